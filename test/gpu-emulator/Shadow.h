// What is known of every byte that threads share: who wrote it last, who has read it since, and
// when; and with it whether an access is in order with those before.
//
// Time counts synchronisations; every thread has the time of its own last one as its stamp, and
// leaves it with what it accesses. At a synchronisation of some threads at time T all that they did
// before comes before all that they do after: each of them has then `seen` the others until T.
// Where all threads of the block take part, as at most barriers, that is one number, the floor:
// whatever has a lower stamp is in order with everything now. Blocks run one after the other
// and take their threads' stamps from the same clock; so a stamp between the beginning of the
// launch and that of the block tells of another block, with which nothing is ever in order.
//
// A word of four bytes has one cell; where parts of it are accessed it is split, and its bytes have
// cells of their own. Of readers a cell knows the lanes of one warp, or, where there are several
// warps, only these; readers that came at different times count with the earliest. So a race can
// be missed where more than one warp reads and the writer is of one of them: other schedules find
// it. Nothing is reported that is in order.
//
// Barriers and bar.warp.sync order memory; shuffles, votes, ldmatrix and mma, for which lanes wait
// as well, do not. Atomic accesses do not race with each other and order nothing: kernels whose
// blocks hand over data by them are reported. Launches are in order whatever their streams;
// variables of a module, stacks and parameters are not watched.
#ifndef NNCC_TEST_GPU_EMULATOR_SHADOW_H
#define NNCC_TEST_GPU_EMULATOR_SHADOW_H

#include <cstdint>
#include <vector>

namespace emulator {

struct Site;
struct Thread;

/// What an access does; a volatile one counts as atomic.
enum Access : uint32_t {
  Read = 1,
  Write = 2,
  Atomic = 4,
  AtomicRead = Read | Atomic,
  AtomicWrite = Write | Atomic,
  AtomicUpdate = Read | Write | Atomic
};

bool reserveShadows();
void forgetShadows();
/// Of global memory, between pages.
void forgetShadow(uint64_t begin, uint64_t end);

/// Checks an access of the current thread, wherever it goes, and remembers it; the launch ends here
/// where something is wrong.
void accessShared(const Site *site, uint64_t address, uint64_t size, Access access);
void accessGlobal(const Site *site, uint64_t address, uint64_t size, Access access);
void accessGeneric(const Site *site, uint64_t address, uint64_t size, Access access);

/// Shared memory that a copy will land in, and that it has landed in: in between nobody may touch
/// it, and after it the current thread has written it.
void beginFlight(const Site *site, uint64_t address, uint64_t size);
void endFlight(const Site *site, uint64_t address, uint64_t size);

/// Synchronisations, of which the current time is one. All threads of the block:
void synchronizeAll();
/// Lanes of a warp:
void synchronizeLanes(uint32_t warp, uint32_t mask);
/// Some threads, which also see what others have left behind:
void synchronizeSome(const std::vector<uint32_t> &threads, const std::vector<uint32_t> &released);

/// A thread leaves what it has seen and done, and goes on.
void leaveBehind(std::vector<uint32_t> &released, Thread &thread);
/// A thread sees what others have left behind.
void takeOver(const std::vector<uint32_t> &released, Thread &thread);

} // namespace emulator

#endif

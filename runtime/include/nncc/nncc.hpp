// nncc/nncc.hpp: the C API with ownership, for C++17; header only.
//
//   auto model = nncc::Model::open("net.so").value();     // throws nncc::Error
//   auto net = nncc::Instance::create(model).value();
//   std::vector<float> pixels(3 * 224 * 224);
//   auto outputs = net({nncc::view(pixels.data(), {1, 3, 224, 224})}).value();
//   const float *scores = outputs[0].data<float>();
//
// Without exceptions, ask first: calls return a Result or a Status.
//
//   auto model = nncc::Model::open("net.so");
//   if (!model)
//     std::cerr << model.status().message() << '\n';
//
// Everything that nncc.h says of threads and lifetimes holds here.
#ifndef NNCC_NNCC_HPP
#define NNCC_NNCC_HPP

#include "nncc/nncc.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nncc {

/// What value() and orThrow() throw.
class Error : public std::runtime_error {
public:
  Error(nncc_status code, const std::string &message) : std::runtime_error(message), code_(code) {}
  nncc_status code() const noexcept { return code_; }

private:
  nncc_status code_;
};

/// How a call ended, with the message where it failed. True where it is NNCC_OK.
class [[nodiscard]] Status {
public:
  Status() = default;
  /// Of a call to the C API that has just returned on this thread.
  explicit Status(nncc_status code) : code_(code), message_(code ? nncc_last_error() : "") {}
  Status(nncc_status code, std::string message) : code_(code), message_(std::move(message)) {}

  explicit operator bool() const noexcept { return code_ == NNCC_OK; }
  nncc_status code() const noexcept { return code_; }
  const std::string &message() const noexcept { return message_; }
#ifdef __cpp_exceptions
  void orThrow() const {
    if (code_ != NNCC_OK)
      throw Error(code_, message_);
  }
#endif

private:
  nncc_status code_ = NNCC_OK;
  std::string message_;
};

/// A value, or the status that says why there is none.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  const Status &status() const noexcept { return status_; }
  /// Only where the result is true.
  T &operator*() &noexcept { return *value_; }
  T &&operator*() &&noexcept { return std::move(*value_); }
  T *operator->() noexcept { return &*value_; }
#ifdef __cpp_exceptions
  T &value() & { return status_.orThrow(), *value_; }
  T &&value() && { return status_.orThrow(), std::move(*value_); }
#endif

private:
  std::optional<T> value_;
  Status status_;
};

/// The element type of a C++ type.
template <typename T> struct TypeOf;
template <> struct TypeOf<float> { static constexpr nncc_type value = NNCC_FLOAT; };
template <> struct TypeOf<double> { static constexpr nncc_type value = NNCC_DOUBLE; };
template <> struct TypeOf<bool> { static constexpr nncc_type value = NNCC_BOOL; };
template <> struct TypeOf<int8_t> { static constexpr nncc_type value = NNCC_INT8; };
template <> struct TypeOf<int16_t> { static constexpr nncc_type value = NNCC_INT16; };
template <> struct TypeOf<int32_t> { static constexpr nncc_type value = NNCC_INT32; };
template <> struct TypeOf<int64_t> { static constexpr nncc_type value = NNCC_INT64; };
template <> struct TypeOf<uint8_t> { static constexpr nncc_type value = NNCC_UINT8; };
template <> struct TypeOf<uint16_t> { static constexpr nncc_type value = NNCC_UINT16; };
template <> struct TypeOf<uint32_t> { static constexpr nncc_type value = NNCC_UINT32; };
template <> struct TypeOf<uint64_t> { static constexpr nncc_type value = NNCC_UINT64; };

/// A dense tensor in memory of somebody else. It has its own copy of shape and name.
class TensorView {
public:
  TensorView(void *data, nncc_type type, std::vector<int64_t> shape, std::string name = {})
      : data_(data), type_(type), shape_(std::move(shape)), name_(std::move(name)) {}

  explicit TensorView(const nncc_tensor &tensor)
      : TensorView(tensor.data, tensor.type, {tensor.shape, tensor.shape + tensor.rank},
                   tensor.name ? tensor.name : "") {}

  /// The same, for data in memory of the device that the model runs on.
  TensorView onDevice() const {
    TensorView view = *this;
    view.type_ |= NNCC_ON_DEVICE;
    return view;
  }

  /// Valid while this view is.
  nncc_tensor get() const noexcept {
    return {data_, type_, static_cast<int32_t>(shape_.size()), shape_.data(),
            name_.empty() ? nullptr : name_.c_str()};
  }

private:
  void *data_;
  nncc_type type_;
  std::vector<int64_t> shape_;
  std::string name_;
};

/// For types that TypeOf does not know (float16, bfloat16, ...) use TensorView's constructor.
template <typename T> TensorView view(T *data, std::vector<int64_t> shape, std::string name = {}) {
  using Element = std::remove_const_t<T>;
  return {const_cast<Element *>(data), TypeOf<Element>::value, std::move(shape), std::move(name)};
}

/// A dense tensor that owns its memory, aligned to NNCC_ALIGNMENT.
class Tensor {
public:
  static Result<Tensor> create(nncc_type type, std::vector<int64_t> shape) {
    int64_t bytes = nncc_tensor_bytes(type, static_cast<int32_t>(shape.size()), shape.data());
    if (bytes < 0)
      return Status(NNCC_INVALID_ARGUMENT, "no dense tensor has this type and shape");
    void *memory = ::operator new(static_cast<std::size_t>(bytes), std::align_val_t(NNCC_ALIGNMENT),
                                  std::nothrow);
    if (!memory)
      return Status(NNCC_OUT_OF_MEMORY,
                    "no memory for a tensor of " + std::to_string(bytes) + " bytes");
    return Tensor(memory, type, std::move(shape), static_cast<std::size_t>(bytes));
  }

  static Result<Tensor> copy(const nncc_tensor &from) {
    auto tensor = create(from.type, {from.shape, from.shape + from.rank});
    if (tensor && tensor->bytes())
      std::memcpy(tensor->data(), from.data, tensor->bytes());
    return tensor;
  }

  nncc_type type() const noexcept { return type_; }
  const std::vector<int64_t> &shape() const noexcept { return shape_; }
  std::size_t bytes() const noexcept { return bytes_; }
  void *data() noexcept { return memory_.get(); }
  const void *data() const noexcept { return memory_.get(); }
  /// NULL where the elements have another type.
  template <typename T> T *data() noexcept {
    return type_ == TypeOf<T>::value ? static_cast<T *>(data()) : nullptr;
  }
  template <typename T> const T *data() const noexcept {
    return type_ == TypeOf<T>::value ? static_cast<const T *>(data()) : nullptr;
  }
  /// Valid while this tensor is.
  nncc_tensor get() const noexcept {
    return {memory_.get(), type_, static_cast<int32_t>(shape_.size()), shape_.data(), nullptr};
  }

private:
  struct Delete {
    void operator()(void *memory) const noexcept {
      ::operator delete(memory, std::align_val_t(NNCC_ALIGNMENT));
    }
  };

  Tensor(void *memory, nncc_type type, std::vector<int64_t> shape, std::size_t bytes)
      : memory_(memory), type_(type), shape_(std::move(shape)), bytes_(bytes) {}

  std::unique_ptr<void, Delete> memory_;
  nncc_type type_;
  std::vector<int64_t> shape_;
  std::size_t bytes_;
};

/// A look at a value: a tensor of numbers or strings, a sequence of tensors, or an optional. Valid
/// while the Value that holds it is.
class ValueView {
public:
  explicit ValueView(const nncc_value *value) : value_(value) {}

  const nncc_value *get() const noexcept { return value_; }
  /// NNCC_VALUE_TENSOR, NNCC_VALUE_SEQUENCE or NNCC_VALUE_OPTIONAL.
  int32_t kind() const noexcept { return nncc_value_kind(value_); }
  /// Elements of a sequence; 1 or 0 of an optional; numbers or strings of a tensor.
  int64_t count() const noexcept { return nncc_value_count(value_); }
  /// What a sequence or an optional holds; `index` in [0, count()).
  ValueView operator[](int64_t index) const noexcept {
    return ValueView(nncc_value_element(value_, index));
  }
  /// Of a tensor: its shape; else empty.
  std::vector<int64_t> shape() const {
    const nncc_tensor *tensor = nncc_value_tensor(value_);
    return tensor ? std::vector<int64_t>(tensor->shape, tensor->shape + tensor->rank)
                  : std::vector<int64_t>();
  }
  /// Of a tensor: the type of its elements; else 0.
  nncc_type type() const noexcept {
    const nncc_tensor *tensor = nncc_value_tensor(value_);
    return tensor ? tensor->type : 0;
  }
  /// The numbers of a tensor; NULL where it is none, or has another type.
  template <typename T> const T *data() const noexcept {
    const nncc_tensor *tensor = nncc_value_tensor(value_);
    bool fits = tensor && tensor->type == TypeOf<T>::value;
    return fits ? static_cast<const T *>(tensor->data) : nullptr;
  }
  /// A string of a tensor of strings; `index` in [0, count()). Empty for any other.
  std::string_view string(int64_t index) const noexcept {
    int64_t length = 0;
    const char *data = nncc_value_string(value_, index, &length);
    return {data, static_cast<std::size_t>(length)};
  }

protected:
  const nncc_value *value_;
};

/// A value with all that it holds; moved, not copied.
class Value : public ValueView {
public:
  /// Of a value of the C API that belongs to nobody else.
  explicit Value(nncc_value *value) : ValueView(value) {}
  Value(Value &&other) noexcept : ValueView(other.release()) {}
  Value &operator=(Value &&other) noexcept {
    if (this != &other) {
      nncc_value_destroy(release());
      value_ = other.release();
    }
    return *this;
  }
  ~Value() { nncc_value_destroy(release()); }

  /// A tensor with a copy of the data.
  static Result<Value> tensor(const TensorView &view) {
    nncc_tensor tensor = view.get();
    return make(nncc_value_create_tensor, &tensor);
  }
  /// A tensor over the view's data, which must outlive it.
  static Result<Value> borrow(const TensorView &view) {
    nncc_tensor tensor = view.get();
    return make(nncc_value_borrow_tensor, &tensor);
  }
  /// A tensor of strings (UTF-8) in row-major order.
  static Result<Value> strings(const std::vector<std::string> &strings,
                               const std::vector<int64_t> &shape) {
    std::vector<const char *> data;
    std::vector<int64_t> lengths;
    for (const std::string &string : strings) {
      data.push_back(string.data());
      lengths.push_back(static_cast<int64_t>(string.size()));
    }
    auto rank = static_cast<int32_t>(shape.size());
    if (nncc_tensor_bytes(NNCC_UINT8, rank, shape.data()) != static_cast<int64_t>(data.size()))
      return Status(NNCC_INVALID_ARGUMENT, "the shape has another number of elements than the " +
                                               std::to_string(data.size()) + " strings");
    return make(nncc_value_create_strings, data.data(), lengths.data(), rank, shape.data());
  }
  static Result<Value> sequence(std::vector<Value> elements) {
    std::vector<nncc_value *> raw;
    for (Value &element : elements)
      raw.push_back(const_cast<nncc_value *>(element.get()));
    auto made = make(nncc_value_create_sequence, raw.data(), static_cast<int64_t>(elements.size()));
    for (Value &element : elements)
      if (made)
        element.release();
    return made;
  }
  /// An optional with a tensor or a sequence.
  static Result<Value> optional(Value element) {
    auto made = make(nncc_value_create_optional, const_cast<nncc_value *>(element.get()));
    if (made)
      element.release();
    return made;
  }
  /// An optional without a value.
  static Result<Value> none() {
    return make(nncc_value_create_optional, static_cast<nncc_value *>(nullptr));
  }

  /// Gives the value away, to be destroyed by the caller; this object holds none any more.
  nncc_value *release() noexcept {
    return const_cast<nncc_value *>(std::exchange(value_, nullptr));
  }

private:
  template <typename Function, typename... Arguments>
  static Result<Value> make(Function function, Arguments... arguments) {
    nncc_value *value = nullptr;
    if (nncc_status status = function(arguments..., &value))
      return Status(status);
    return Value(value);
  }
};

/// A loaded library. Copies share it.
class Model {
public:
  static Result<Model> open(const std::string &path, const nncc_open_options *options = nullptr) {
    nncc_model *model = nullptr;
    if (nncc_status status = nncc_model_open(path.c_str(), options, &model))
      return Status(status);
    return Model(model);
  }
  /// A model that is linked into the program.
  static Result<Model> fromDescriptor(const nncc_descriptor *descriptor,
                                      const nncc_open_options *options = nullptr) {
    nncc_model *model = nullptr;
    if (nncc_status status = nncc_model_from_descriptor(descriptor, options, &model))
      return Status(status);
    return Model(model);
  }

  nncc_model *get() const noexcept { return model_.get(); }
  const nncc_descriptor &descriptor() const noexcept { return *nncc_model_descriptor(get()); }
  std::vector<nncc_tensor_info> inputs() const {
    return {descriptor().inputs, descriptor().inputs + descriptor().num_inputs};
  }
  std::vector<nncc_tensor_info> outputs() const {
    return {descriptor().outputs, descriptor().outputs + descriptor().num_outputs};
  }
  /// Inputs and outputs as the ONNX model has them: some may be no tensors, but stand for several.
  std::vector<nncc_value_info> inputValues() const {
    const nncc_value_info *first = nncc_model_input_value(get(), 0);
    return {first, first + nncc_model_num_input_values(get())};
  }
  std::vector<nncc_value_info> outputValues() const {
    const nncc_value_info *first = nncc_model_output_value(get(), 0);
    return {first, first + nncc_model_num_output_values(get())};
  }
  /// "" where the model does not have the key.
  std::string metadata(const std::string &key) const {
    for (int32_t i = 0; i < nncc_model_num_metadata(get()); ++i)
      if (key == nncc_model_metadata(get(), i)->key)
        return nncc_model_metadata(get(), i)->value;
    return {};
  }

private:
  explicit Model(nncc_model *model) : model_(model, nncc_model_close) {}
  std::shared_ptr<nncc_model> model_;
};

/// What one run at a time needs.
class Instance {
public:
  static Result<Instance> create(const Model &model,
                                 const nncc_instance_options *options = nullptr) {
    nncc_instance *instance = nullptr;
    if (nncc_status status = nncc_instance_create(model.get(), options, &instance))
      return Status(status);
    return Instance(instance, model);
  }

  nncc_instance *get() const noexcept { return instance_.get(); }
  const Model &model() const noexcept { return model_; }

  /// Sets the dims from the shapes of the inputs.
  Status bind(const std::vector<TensorView> &inputs) {
    std::vector<nncc_tensor> tensors = raw(inputs);
    return Status(nncc_instance_bind(get(), tensors.data(), count(tensors)));
  }

  /// Of output `index`, for the bound dims; -1 for a size that only a run tells.
  Result<std::vector<int64_t>> outputShape(int32_t index) const {
    const nncc_tensor_info *info = nncc_model_output(model_.get(), index);
    std::vector<int64_t> shape(info ? static_cast<std::size_t>(info->rank) : 0);
    if (nncc_status status = nncc_instance_output_shape(get(), index, shape.data()))
      return Status(status);
    return shape;
  }

  /// An output of which the last run told a size, in memory of the instance.
  Result<TensorView> output(int32_t index) const {
    nncc_tensor tensor;
    if (nncc_status status = nncc_instance_output(get(), index, &tensor))
      return Status(status);
    return TensorView(tensor);
  }

  /// Runs into memory of the caller, without a copy.
  Status run(const std::vector<TensorView> &inputs, const std::vector<TensorView> &outputs) {
    std::vector<nncc_tensor> in = raw(inputs), out = raw(outputs);
    return Status(nncc_instance_run(get(), in.data(), count(in), out.data(), count(out)));
  }

  /// Runs into new tensors, in the order of the model's outputs.
  Result<std::vector<Tensor>> operator()(const std::vector<TensorView> &inputs) {
    std::vector<nncc_tensor> in = raw(inputs), out;
    std::vector<Tensor> results;
    if (nncc_status status = nncc_instance_bind(get(), in.data(), count(in)))
      return Status(status);
    for (int32_t i = 0; i < nncc_model_num_outputs(model_.get()); ++i) {
      auto shape = outputShape(i);
      if (!shape)
        return shape.status();
      bool known = true;
      for (int64_t size : *shape)
        known &= size >= 0;
      nncc_type type = nncc_model_output(model_.get(), i)->type;
      auto tensor = Tensor::create(type, known ? *std::move(shape) : std::vector<int64_t>{0});
      if (!tensor)
        return tensor.status();
      results.push_back(*std::move(tensor));
      out.push_back(results.back().get());
      if (!known)
        out.back().data = nullptr;
    }
    if (nncc_status status = nncc_instance_run(get(), in.data(), count(in), out.data(), count(out)))
      return Status(status);
    for (int32_t i = 0; i < count(out); ++i) {
      if (out[i].data || nncc_instance_output(get(), i, &out[i]))
        continue; // in memory of its own
      auto tensor = Tensor::copy(out[i]);
      if (!tensor)
        return tensor.status();
      results[i] = *std::move(tensor);
    }
    return results;
  }

  /// Runs on values, in the order of Model::inputValues(); the outputs are those of
  /// Model::outputValues().
  Result<std::vector<Value>> run(const std::vector<ValueView> &inputs) {
    std::vector<const nncc_value *> in;
    for (const ValueView &view : inputs)
      in.push_back(view.get());
    std::vector<nncc_value *> out(nncc_model_num_output_values(model_.get()));
    if (nncc_status status =
            nncc_instance_run_values(get(), in.data(), static_cast<int32_t>(in.size()), out.data(),
                                     static_cast<int32_t>(out.size())))
      return Status(status);
    std::vector<Value> results;
    results.reserve(out.size());
    for (nncc_value *value : out)
      results.emplace_back(value);
    return results;
  }

  /// From any thread.
  void cancel() noexcept { nncc_instance_cancel(get()); }

private:
  struct Destroy {
    void operator()(nncc_instance *instance) const noexcept { nncc_instance_destroy(instance); }
  };

  Instance(nncc_instance *instance, Model model) : instance_(instance), model_(std::move(model)) {}

  static std::vector<nncc_tensor> raw(const std::vector<TensorView> &views) {
    std::vector<nncc_tensor> tensors;
    for (const TensorView &view : views)
      tensors.push_back(view.get());
    return tensors;
  }
  static int32_t count(const std::vector<nncc_tensor> &tensors) {
    return static_cast<int32_t>(tensors.size());
  }

  std::unique_ptr<nncc_instance, Destroy> instance_;
  Model model_;
};

/// Memory of the device that an instance runs on, for `view(...).onDevice()`; given back before
/// that instance is.
class DeviceMemory {
public:
  static Result<DeviceMemory> create(const Instance &instance, std::uint64_t bytes) {
    void *memory = nullptr;
    if (nncc_status status = nncc_device_alloc(instance.get(), bytes, &memory))
      return Status(status);
    return DeviceMemory(instance.get(), memory);
  }

  /// An address of the device.
  void *data() const noexcept { return memory_.get(); }

  /// Copies from and to memory of the host, after all runs of the instance so far.
  Status write(const void *from, std::uint64_t bytes) {
    return Status(nncc_device_copy(memory_.get_deleter().instance, data(), from, bytes));
  }
  Status read(void *to, std::uint64_t bytes) const {
    return Status(nncc_device_copy(memory_.get_deleter().instance, to, data(), bytes));
  }

private:
  struct Free {
    nncc_instance *instance;
    void operator()(void *memory) const { nncc_device_free(instance, memory); }
  };

  DeviceMemory(nncc_instance *instance, void *memory) : memory_(memory, Free{instance}) {}

  std::unique_ptr<void, Free> memory_;
};

} // namespace nncc

#endif // NNCC_NNCC_HPP

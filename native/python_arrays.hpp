// Python's arrays and libraries' tensors as the operands of a task, and nothing of what is done with them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <optional>
#include <utility>

#include "task.hpp"

namespace logloss {

namespace nb = nanobind;

// Arrays that cannot be taken as they are: of a type that buffers do not know, of too many axes, or overlapping.
struct Unfit {};

// DLPack's functions for whole libraries, as far as they are used here: the address of a tensor, without a capsule.
struct Exchange {
    uint32_t major, minor;
    const Exchange* older;
    void *allocate, *managed_from_object, *object_from_managed;
    int (*tensor_from_object)(void* object, nb::dlpack::dltensor* made);  // null where there is none
};

// Null where a library has no such functions, or only ones of another version.
inline const Exchange* exchange_of(nb::handle capsule) {
    if (capsule.is_none()) return nullptr;
    auto* at = static_cast<const Exchange*>(PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
    if (!at) throw nb::python_error();
    while (at && (at->major != 1 || !at->tensor_from_object)) at = at->older;
    return at;
}

// An array's memory for as long as this lives, and how it lies there. Strides are in bytes.
class Buffer {
  public:
    Buffer(nb::handle array, const Exchange* exchange, bool is_written, bool is_bfloat16) {
        view_.obj = nullptr;
        if (PyCapsule_CheckExact(array.ptr()))
            take_capsule(array);
        else if (exchange)
            take_object(array, *exchange);
        else
            take_buffer(array, is_written, is_bfloat16);
    }
    ~Buffer() {
        if (view_.obj) PyBuffer_Release(&view_);
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    void* data = nullptr;
    Type type = Type::float64;
    int axes = 0, item_size = 0;
    int64_t shape[max_axes], stride[max_axes];  // as many as there are axes: filling up the rest takes time

  private:
    // The buffer protocol; bfloat16, which it does not know, comes as integers.
    void take_buffer(nb::handle array, bool is_written, bool is_bfloat16) {
        const int flags = PyBUF_STRIDES | PyBUF_FORMAT | (is_written ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(array.ptr(), &view_, flags) != 0) {
            PyErr_Clear();
            view_.obj = nullptr;
            throw Unfit{};
        }
        try {
            if (view_.ndim > max_axes) throw Unfit{};
            type = type_of(view_, is_bfloat16);
        } catch (const Unfit&) {
            PyBuffer_Release(&view_);
            throw;
        }
        data = view_.buf, axes = view_.ndim, item_size = static_cast<int>(view_.itemsize);
        for (int a = 0; a < axes; ++a) shape[a] = view_.shape[a], stride[a] = view_.strides[a];
    }

    // DLPack. The capsule goes on owning the tensor.
    void take_capsule(nb::handle capsule) {
        void* const managed = PyCapsule_GetPointer(capsule.ptr(), "dltensor");
        if (!managed) throw nb::python_error();
        take_tensor(*static_cast<const nb::dlpack::dltensor*>(managed));  // with which what is managed begins
    }

    void take_object(nb::handle array, const Exchange& exchange) {
        nb::dlpack::dltensor tensor;
        if (exchange.tensor_from_object(array.ptr(), &tensor) != 0) {
            PyErr_Clear();
            throw Unfit{};
        }
        take_tensor(tensor);
    }

    void take_tensor(const nb::dlpack::dltensor& tensor) {
        if (tensor.device.device_type != nb::device::cpu::value || tensor.ndim > max_axes) throw Unfit{};
        type = type_of(tensor.dtype);
        data = static_cast<char*>(tensor.data) + tensor.byte_offset;
        axes = tensor.ndim, item_size = tensor.dtype.bits / 8;
        int64_t next = item_size;
        for (int a = axes - 1; a >= 0; --a) {
            shape[a] = tensor.shape[a];
            stride[a] = tensor.strides ? tensor.strides[a] * item_size : next;
            next *= shape[a];
        }
    }

    static Type type_of(const Py_buffer& view, bool is_bfloat16) {
        const char* format = view.format;
        if (*format == '<' || *format == '=' || *format == '@') ++format;
        if (format[0] == '\0' || format[1] != '\0') throw Unfit{};
        switch (*format) {
            case '?': return Type::boolean;
            case 'b': case 'h': case 'i': case 'l': case 'q': return whole_number(view.itemsize, true);
            case 'B': case 'H': case 'I': case 'L': case 'Q':
                if (is_bfloat16 && view.itemsize == 2) return Type::bfloat16;
                return whole_number(view.itemsize, false);
            case 'e': return Type::float16;
            case 'f': return Type::float32;
            case 'd': return Type::float64;
        }
        throw Unfit{};
    }

    static Type type_of(const nb::dlpack::dtype& dtype) {
        using Code = nb::dlpack::dtype_code;
        if (dtype.lanes != 1) throw Unfit{};
        switch (static_cast<Code>(dtype.code)) {
            case Code::Bool: return Type::boolean;
            case Code::Int: return whole_number(dtype.bits / 8, true);
            case Code::UInt: return whole_number(dtype.bits / 8, false);
            case Code::Bfloat: return Type::bfloat16;
            case Code::Float:
                if (dtype.bits == 16) return Type::float16;
                if (dtype.bits == 32) return Type::float32;
                if (dtype.bits == 64) return Type::float64;
                break;
            default: break;
        }
        throw Unfit{};
    }

    static Type whole_number(Py_ssize_t bytes, bool is_signed) {
        switch (bytes) {
            case 1: return is_signed ? Type::int8 : Type::uint8;
            case 2: return is_signed ? Type::int16 : Type::uint16;
            case 4: return is_signed ? Type::int32 : Type::uint32;
            case 8: return is_signed ? Type::int64 : Type::uint64;
        }
        throw Unfit{};
    }

    Py_buffer view_;  // whose obj is null where nothing is held
};

// The operand along the axes of the shape: missing leading axes, and axes of length 1, are repeated.
inline Operand operand_of(const Buffer& buffer, int axes, const int64_t* shape) {
    Operand made;
    made.data = buffer.data;
    made.type = buffer.type;
    const int missing = axes - buffer.axes;
    for (int a = 0; a < buffer.axes; ++a) {
        if (missing < 0 || (buffer.shape[a] != shape[a + missing] && buffer.shape[a] != 1))
            throw nb::value_error("an array does not broadcast against the predictions");
        made.stride[a + missing] = buffer.shape[a] == 1 ? 0 : buffer.stride[a];
    }
    return made;
}

// Whether the stretches of memory from the first to the last byte of two arrays have a byte in common.
inline bool do_overlap(const Buffer& one, const Buffer& other) {
    const auto ends = [](const Buffer& buffer) {
        const char *low = static_cast<const char*>(buffer.data), *high = low + buffer.item_size;
        for (int a = 0; a < buffer.axes; ++a) {
            if (buffer.shape[a] == 0) return std::pair{low, low};
            (buffer.stride[a] < 0 ? low : high) += (buffer.shape[a] - 1) * buffer.stride[a];
        }
        return std::pair{low, high};
    };
    const auto a = ends(one), b = ends(other);
    return a.first < b.second && b.first < a.second;
}

inline int item_size(Type type) {
    switch (type) {
        case Type::boolean: case Type::int8: case Type::uint8: return 1;
        case Type::int16: case Type::uint16: case Type::float16: case Type::bfloat16: return 2;
        case Type::int32: case Type::uint32: case Type::float32: return 4;
        default: return 8;
    }
}

// Arrays in the order of predictions, labels, weights, masks, class weights and results.
constexpr int arrays = 9, first_result = 6;

// Axes in the order of the predictions' memory, and as few as possible: neighbours that are one stretch become one.
inline void simplify(Task& task, Operand* const (&operands)[arrays]) {
    const auto length_of = [](int64_t stride) { return stride < 0 ? -stride : stride; };
    const auto move = [&](int from, int to) {
        task.shape[to] = task.shape[from];
        for (Operand* o : operands) o->stride[to] = o->stride[from];
    };
    int axes = 0;
    for (int a = 0; a < task.axes; ++a)
        if (task.shape[a] != 1) move(a, axes++);
    for (int i = 1; i < axes; ++i)
        for (int a = i; a > 0 && length_of(task.x.stride[a]) > length_of(task.x.stride[a - 1]); --a) {
            std::swap(task.shape[a], task.shape[a - 1]);
            for (Operand* o : operands) std::swap(o->stride[a], o->stride[a - 1]);
        }
    int last = 0;
    for (int a = 1; a < axes; ++a) {
        bool is_one_stretch = true;
        for (Operand* o : operands) is_one_stretch &= o->stride[last] == o->stride[a] * task.shape[a];
        if (is_one_stretch)
            task.shape[a] *= task.shape[last];
        else
            ++last;
        move(a, last);
    }
    if (axes == 0) {  // one element
        task.shape[0] = 1;
        for (Operand* o : operands) o->stride[0] = item_size(o->type);
    }
    task.axes = last + 1;
    for (Operand* o : operands) {
        int64_t next = item_size(o->type);
        o->is_contiguous = o->data && reinterpret_cast<uintptr_t>(o->data) % static_cast<uintptr_t>(next) == 0;
        for (int a = last; a >= 0; next *= task.shape[a--]) o->is_contiguous &= o->stride[a] == next;
    }
}

// The arrays of a task, whose memory is held for as long as this lives.
class Arrays {
  public:
    // Bit i of `bfloat16` says that array i, of 16-bit integers, is one of bfloat16, which buffers do not know.
    Arrays(Task& task, const nb::handle (&given)[arrays], unsigned bfloat16, const Exchange* exchange = nullptr) {
        Operand* const operands[arrays] = {&task.x, &task.y, &task.weight, &task.mask, &task.pos_weight,
                                           &task.neg_weight, &task.loss, &task.gradient, &task.hessian};
        for (int i = 0; i < arrays; ++i) {
            if (!given[i].is_valid() || given[i].is_none()) continue;
            const Buffer& buffer = buffers_[i].emplace(given[i], exchange, i >= first_result, bfloat16 >> i & 1);
            if (i == 0) {
                task.axes = buffer.axes;
                task.size = 1;
                for (int a = 0; a < buffer.axes; ++a) task.size *= task.shape[a] = buffer.shape[a];
            }
            *operands[i] = operand_of(buffer, task.axes, task.shape);
            for (int j = 0; i >= first_result && j < first_result; ++j)  // core/kernel.py has looked at the results
                if (buffers_[j] && do_overlap(buffer, *buffers_[j])) throw Unfit{};
        }
        if (task.size) simplify(task, operands);
    }

  private:
    std::optional<Buffer> buffers_[arrays];
};

}  // namespace logloss

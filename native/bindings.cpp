// Python in, Python out. core/kernel.py has looked at the arrays and at what is wanted of them.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string_view.h>

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "dispatch.hpp"
#include "tally.hpp"

namespace nb = nanobind;
using namespace logloss;

#ifdef LOGLOSS_JAX
extern "C" struct XLA_FFI_Error* logloss_of_jax(struct XLA_FFI_CallFrame*);  // jax_ffi.cpp
#endif

namespace {

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
const Exchange* exchange_of(nb::handle capsule) {
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
Operand operand_of(const Buffer& buffer, int axes, const int64_t* shape) {
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
bool do_overlap(const Buffer& one, const Buffer& other) {
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

int item_size(Type type) {
    switch (type) {
        case Type::boolean: case Type::int8: case Type::uint8: return 1;
        case Type::int16: case Type::uint16: case Type::float16: case Type::bfloat16: return 2;
        case Type::int32: case Type::uint32: case Type::float32: return 4;
        default: return 8;
    }
}

// Arrays in the order of predictions, labels, weights, masks, class weights and results.
constexpr int arrays = 9, first_result = 6;

// By what is between, float divides well: a result that is subnormal before it is divided has lost digits.
constexpr double least_divisor = 0x1p-3, largest_divisor = 0x1p60;

// Axes in the order of the predictions' memory, and as few as possible: neighbours that are one stretch become one.
void simplify(Task& task, Operand* const (&operands)[arrays]) {
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

// In parts, between which Ctrl-C is heard; others of Python may run meanwhile.
void run_all(Work work, const Task& task, int threads, Found& found) {
    constexpr int64_t small = int64_t{1} << 12;
    const int64_t part = (int64_t{1} << 22) * threads;
    if (task.size <= small) {
        work(task, 0, task.size, found);
        return;
    }
    for (int64_t at = 0; at < task.size; at += part) {
        {
            nb::gil_scoped_release others_may_run;
            run(work, task, at, task.size - at < part ? task.size : at + part, threads, found);
        }
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }
}

Family family_of(nb::handle numbers) {
    constexpr Py_ssize_t count = sizeof(Family) / sizeof(double);
    if (!PyTuple_Check(numbers.ptr()) || PyTuple_GET_SIZE(numbers.ptr()) != count)
        throw nb::type_error("a family is a tuple of as many floats as native/family.hpp has");
    double made[count];
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* number = PyTuple_GET_ITEM(numbers.ptr(), i);
        if (!PyFloat_Check(number)) throw nb::type_error("a family is a tuple of floats");
        made[i] = PyFloat_AS_DOUBLE(number);
    }
    Family family;
    std::memcpy(&family, made, sizeof family);
    return family;
}

// The sum over the divisor, or 0 unless `has_sum`; False if something may have to be refused; None if the arrays are
// unfit, and nothing was done.
nb::object compute(const nb::handle (&given)[arrays], unsigned bfloat16, const Exchange* exchange, nb::handle family,
                   bool has_sum, double divisor, bool is_wide, bool is_hard, int threads) try {
    Task task;
    const Arrays held(task, given, bfloat16, exchange);
    task.family = family_of(family);
    task.want = (task.loss.data ? LOSS : 0u) | (task.gradient.data ? GRADIENT : 0u) |
                (task.hessian.data ? HESSIAN : 0u) | (has_sum ? SUM : 0u);
    task.divisor = divisor;
    task.is_wide = is_wide || !(divisor >= least_divisor && divisor <= largest_divisor);
    task.is_hard = is_hard;
    Found found;
    run_all(chosen_kernel.load()->run, task, threads, found);
    if (found.needs_width && !found.is_suspect && !task.is_wide) {
        task.is_wide = true;
        found = {};
        run_all(chosen_kernel.load()->run, task, threads, found);
    }
    if (found.is_suspect) return nb::bool_(false);
    return nb::float_(has_sum ? found.sum.divided_by(divisor) : 0.0);
} catch (const Unfit&) {
    return nb::none();
}

nb::object run_arrays(nb::handle x, nb::handle y, nb::handle weight, nb::handle mask, nb::handle pos_weights,
                      nb::handle neg_weights, nb::handle loss, nb::handle gradient, nb::handle hessian,
                      unsigned bfloat16, nb::handle family, bool has_sum, double divisor, bool is_wide, bool is_hard,
                      int threads) {
    return compute({x, y, weight, mask, pos_weights, neg_weights, loss, gradient, hessian}, bfloat16, nullptr, family,
                   has_sum, divisor, is_wide, is_hard, threads);
}

// Of tensors, in capsules or of a library whose `exchange` is given; what is read in one tuple, since each argument
// takes time.
nb::object run_tensors(nb::handle read, nb::handle loss, nb::handle gradient, nb::handle exchange, nb::handle family,
                       bool has_sum, double divisor, bool is_wide, int threads) {
    if (!PyTuple_Check(read.ptr()) || PyTuple_GET_SIZE(read.ptr()) != first_result)
        throw nb::type_error("what is read is a tuple of six");
    nb::handle given[arrays] = {};
    for (int i = 0; i < first_result; ++i) given[i] = PyTuple_GET_ITEM(read.ptr(), i);
    given[first_result] = loss, given[first_result + 1] = gradient;
    return compute(given, 0, exchange_of(exchange), family, has_sum, divisor, is_wide, false, threads);
}

// The sum of the weights that no mask hides, along the shape of x, and whether one of them may have to be refused.
nb::object total_weight(nb::handle x, nb::handle weight, nb::handle mask, unsigned bfloat16, int threads) try {
    Task task;
    const Arrays held(task, {x, {}, weight, mask, {}, {}, {}, {}, {}}, bfloat16);
    Found found;
    run_all(chosen_kernel.load()->total_weight, task, threads, found);
    return nb::make_tuple(found.sum.divided_by(1), found.is_suspect);
} catch (const Unfit&) {
    return nb::none();
}

template <class T> nb::object array_of(std::vector<T> values, std::initializer_list<size_t> shape) {
    auto* held = new std::vector<T>(std::move(values));
    const nb::capsule owner(held, [](void* memory) noexcept { delete static_cast<std::vector<T>*>(memory); });
    return nb::cast(nb::ndarray<nb::numpy, T>(held->data(), shape.size(), shape.begin(), owner));
}

// What is kept of rows: evaluation/tally.py says what it is for.
class Tally {
  public:
    explicit Tally(bool from_logits) : from_logits_(from_logits), parts_(1) {}
    Tally(const Tally&) = delete;
    Tally& operator=(const Tally&) = delete;

    // The rows that cost most, as (least loss, losses, places); False if something may have to be refused, and then
    // this is spoilt; None if the arrays are unfit, and nothing was done.
    nb::object add(nb::handle x, nb::handle y, nb::handle weight, nb::handle mask, int wanted, double floor, int threads) try {
        Task task;
        const Arrays held(task, {x, y, weight, mask, {}, {}, {}, {}, {}}, 0);
        task.family.from_logits = from_logits_;
        if (parts_.size() < static_cast<size_t>(threads)) parts_.resize(static_cast<size_t>(threads));
        for (Part& part : parts_) {
            part.worst = {};
            part.worst.wanted = static_cast<size_t>(wanted);
            part.worst.floor = floor;
        }
        {
            nb::gil_scoped_release others_may_run;
            tally(*chosen_kernel.load(), task, 0, task.size, parts_);
        }
        Worst worst;
        worst.wanted = static_cast<size_t>(wanted);
        for (Part& part : parts_) {
            if (part.is_suspect) return nb::bool_(false);
            worst.rows.insert(worst.rows.end(), part.worst.rows.begin(), part.worst.rows.end());
            if (part.worst.floor > worst.floor) worst.floor = part.worst.floor;
        }
        std::erase_if(worst.rows, [&](const auto& row) { return row.first < worst.floor; });
        worst.shrink();
        std::vector<double> losses;
        std::vector<int64_t> places;
        for (const auto& [loss, place] : worst.rows) losses.push_back(loss), places.push_back(place);
        const size_t count = places.size();
        return nb::make_tuple(worst.floor, array_of(std::move(losses), {count}), array_of(std::move(places), {count}));
    } catch (const Unfit&) {
        return nb::none();
    }

    // The state, in a form that does not depend on how it came about but for the order of rows.
    nb::dict state() {
        Part& all = parts_[0];
        for (; parts_.size() > 1; parts_.pop_back()) all.merge(parts_.back(), from_logits_);
        all.cells.settle();
        nb::dict made;
        std::vector<int64_t> limbs;
        for (Accumulator& each : all.sum) {
            const int64_t* settled = each.settled();
            limbs.insert(limbs.end(), settled, settled + Accumulator::limbs);
        }
        made["sums"] = array_of(std::move(limbs), {size_t{sums}, size_t{Accumulator::limbs}});
        made["counts"] = array_of(std::vector<int64_t>{all.rows, all.infinite[0], all.infinite[1]}, {3});
        if (all.are_kept) {
            std::vector<double> score, label, weight, lesser;
            std::vector<int64_t> count;
            all.kept.each([&](const Row& row) {
                score.push_back(row.score), label.push_back(row.label), weight.push_back(row.weight);
                lesser.push_back(row.lesser), count.push_back(row.count);
            });
            const size_t n = count.size();
            made["score"] = array_of(std::move(score), {n}), made["label"] = array_of(std::move(label), {n});
            made["weight"] = array_of(std::move(weight), {n}), made["lesser"] = array_of(std::move(lesser), {n});
            made["count"] = array_of(std::move(count), {n});
            return made;
        }
        std::vector<int32_t> cell;
        std::vector<int64_t> rows, weights, squares;  // in two parts: of 2^-16, and what is left, of 2^-64
        const auto add_parts = [](std::vector<int64_t>& to, Fixed value) {
            to.push_back(static_cast<int64_t>(value >> 48));
            to.push_back(static_cast<int64_t>(value & ((Fixed{1} << 48) - 1)));
        };
        for (int i = 0; i < cells; ++i) {
            if (!all.cells.rows(i, 0) && !all.cells.rows(i, 1)) continue;
            cell.push_back(i);
            for (int label = 0; label < 2; ++label) {
                const Weights held = all.cells.weights(i, label);
                rows.push_back(all.cells.rows(i, label));
                add_parts(weights, held.weight);
                add_parts(squares, held.square);
            }
        }
        const size_t n = cell.size();
        made["cell"] = array_of(std::move(cell), {n});
        made["rows"] = array_of(std::move(rows), {n, 2});
        made["weights"] = array_of(std::move(weights), {n, 2, 2});
        made["squares"] = array_of(std::move(squares), {n, 2, 2});
        return made;
    }

  private:
    bool from_logits_;
    std::vector<Part> parts_;
};

}  // namespace

NB_MODULE(_native, m) {
#ifdef LOGLOSS_JAX
    m.attr("of_jax") = nb::capsule(reinterpret_cast<void*>(&logloss_of_jax), "xla._CUSTOM_CALL_TARGET");
#endif
    m.def("choose", [](std::string_view wanted) {
        const Kernel* const kernel = choose_kernel(wanted);
        if (kernel) chosen_kernel = kernel;
        return kernel ? kernel->name : "";
    });
    m.def("kernels", [] {
        nb::list made;
        for (const char* name : {"avx512", "avx2", "neon", "baseline"})
            if (choose_kernel(name)) made.append(name);
        return made;
    });
    m.attr("worth_a_thread") = worth_a_thread;
    m.attr("most_threads") = most_threads;
    const auto maybe = [](const char* name) { return nb::arg(name).none(); };
    m.def("run_arrays", &run_arrays, nb::arg("x"), nb::arg("y"), maybe("weight"), maybe("mask"), maybe("pos_weights"),
          maybe("neg_weights"), maybe("loss"), maybe("gradient"), maybe("hessian"), nb::arg("bfloat16"),
          nb::arg("family"), nb::arg("has_sum"), nb::arg("divisor"), nb::arg("is_wide"), nb::arg("is_hard"),
          nb::arg("threads"));
    m.def("run_tensors", &run_tensors, nb::arg("read"), maybe("loss"), maybe("gradient"), maybe("exchange"),
          nb::arg("family"), nb::arg("has_sum"), nb::arg("divisor"), nb::arg("is_wide"), nb::arg("threads"));
    nb::class_<Tally>(m, "Tally")
        .def(nb::init<bool>(), nb::arg("from_logits"))
        .def("add", &Tally::add, nb::arg("x"), nb::arg("y"), maybe("weight"), maybe("mask"), nb::arg("wanted"),
             nb::arg("floor"), nb::arg("threads"))
        .def("state", &Tally::state);
    m.def("total_weight", &total_weight, nb::arg("x"), nb::arg("weight"), maybe("mask"), nb::arg("bfloat16"),
          nb::arg("threads"));
}

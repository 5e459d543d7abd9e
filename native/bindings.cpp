// Python in, Python out. core/kernel.py has looked at the arrays and at what is wanted of them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string_view.h>

#include <optional>
#include <string>
#include <utility>

#include "dispatch.hpp"

namespace nb = nanobind;
using namespace logloss;

namespace {

// An array's memory, for as long as this lives.
class Buffer {
  public:
    Buffer(nb::handle array, bool is_written) {
        const int flags = PyBUF_STRIDES | PyBUF_FORMAT | (is_written ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(array.ptr(), &view_, flags) != 0) throw nb::python_error();
    }
    ~Buffer() { PyBuffer_Release(&view_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    const Py_buffer& view() const { return view_; }

  private:
    Py_buffer view_{};
};

Type type_of(const Py_buffer& view, bool is_bfloat16) {
    const char* format = view.format;
    if (*format == '<' || *format == '=' || *format == '@') ++format;
    const bool is_one = format[0] != '\0' && format[1] == '\0';
    const auto sized = [&](Type one, Type two, Type four, Type eight) {
        return view.itemsize == 1 ? one : view.itemsize == 2 ? two : view.itemsize == 4 ? four : eight;
    };
    if (is_one) switch (*format) {
            case '?': return Type::boolean;
            case 'b': case 'h': case 'i': case 'l': case 'q':
                return sized(Type::int8, Type::int16, Type::int32, Type::int64);
            case 'B': case 'H': case 'I': case 'L': case 'Q':
                if (is_bfloat16 && view.itemsize == 2) return Type::bfloat16;
                return sized(Type::uint8, Type::uint16, Type::uint32, Type::uint64);
            case 'e': return Type::float16;
            case 'f': return Type::float32;
            case 'd': return Type::float64;
        }
    throw nb::type_error((std::string("no kernel for arrays of format ") + view.format).c_str());
}

// The operand along the axes of the shape: missing leading axes, and axes of length 1, are repeated.
Operand operand_of(const Py_buffer& view, bool is_bfloat16, int axes, const int64_t* shape) {
    Operand made;
    made.data = view.buf;
    made.type = type_of(view, is_bfloat16);
    const int missing = axes - view.ndim;
    for (int a = 0; a < view.ndim; ++a) {
        if (missing < 0 || (view.shape[a] != shape[a + missing] && view.shape[a] != 1))
            throw nb::value_error("an array does not broadcast against the predictions");
        made.stride[a + missing] = view.shape[a] == 1 ? 0 : view.strides[a];
    }
    return made;
}

int item_size(Type type) {
    switch (type) {
        case Type::boolean: case Type::int8: case Type::uint8: return 1;
        case Type::int16: case Type::uint16: case Type::float16: case Type::bfloat16: return 2;
        case Type::int32: case Type::uint32: case Type::float32: return 4;
        default: return 8;
    }
}

// Axes in the order of the predictions' memory, and as few as possible: neighbours that are one stretch become one.
void simplify(Task& task, Operand* const (&operands)[9]) {
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
        const int size = item_size(o->type);
        const bool is_aligned = reinterpret_cast<uintptr_t>(o->data) % size == 0;
        o->is_contiguous = o->data && is_aligned && task.axes == 1 && o->stride[0] == size;
    }
}

const Kernel* kernel = nullptr;

// The value if `has_sum`, whether something may have to be refused, and whether something needs `is_wide`.
nb::tuple run_task(nb::handle x, nb::handle y, nb::handle weight, nb::handle mask, nb::handle pos_weights,
                   nb::handle neg_weights, nb::handle loss, nb::handle gradient, nb::handle hessian, unsigned bfloat16,
                   double label_smoothing, double pos_weight, double neg_weight, int gamma,
                   int gamma_neg, bool has_sum, double divisor,
                   bool is_wide, int threads) {
    Task task;
    Operand* const operands[9] = {&task.x, &task.y, &task.weight, &task.mask, &task.pos_weight, &task.neg_weight,
                                  &task.loss, &task.gradient, &task.hessian};
    const nb::handle arrays[9] = {x, y, weight, mask, pos_weights, neg_weights, loss, gradient, hessian};
    std::optional<Buffer> buffers[9];
    for (int i = 0; i < 9; ++i) {
        if (arrays[i].is_none()) continue;
        const Py_buffer& view = buffers[i].emplace(arrays[i], i >= 6).view();
        if (i == 0) {
            if (view.ndim > max_axes) throw nb::value_error("too many axes");
            task.axes = view.ndim;
            task.size = 1;
            for (int a = 0; a < view.ndim; ++a) task.size *= task.shape[a] = view.shape[a];
        }
        *operands[i] = operand_of(view, bfloat16 >> i & 1, task.axes, task.shape);
    }
    task.family = {label_smoothing, pos_weight, neg_weight, {gamma, gamma_neg}};
    task.want = (task.loss.data ? LOSS : 0u) | (task.gradient.data ? GRADIENT : 0u) |
                (task.hessian.data ? HESSIAN : 0u) | (has_sum ? SUM : 0u);
    task.divisor = divisor;
    task.is_wide = is_wide;
    Found found;
    if (task.size) {
        simplify(task, operands);
        if (task.size < 1 << 12) {
            kernel->run(task, 0, task.size, found);
        } else {
            nb::gil_scoped_release others_may_run;
            run(*kernel, task, threads, found);
        }
    }
    return nb::make_tuple(has_sum ? found.sum.divided_by(divisor) : 0.0, found.is_suspect, found.is_narrow);
}

}  // namespace

NB_MODULE(_native, m) {
    m.def("choose", [](std::string_view wanted) {
        kernel = choose_kernel(wanted);
        return kernel ? kernel->name : "";
    });
    const auto maybe = [](const char* name) { return nb::arg(name).none(); };
    m.def("run", &run_task, nb::arg("x"), nb::arg("y"), maybe("weight"), maybe("mask"), maybe("pos_weights"),
          maybe("neg_weights"), maybe("loss"), maybe("gradient"), maybe("hessian"), nb::arg("bfloat16"),
          nb::arg("label_smoothing"), nb::arg("pos_weight"), nb::arg("neg_weight"), nb::arg("gamma"), nb::arg("gamma_neg"), nb::arg("has_sum"),
          nb::arg("divisor"), nb::arg("is_wide"), nb::arg("threads"));
}

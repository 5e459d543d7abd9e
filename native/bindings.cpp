// Python in, Python out. core/kernel.py has looked at the arrays and at what is wanted of them.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string_view.h>

#include <cstring>

#include "dispatch.hpp"
#include "python_arrays.hpp"

using namespace logloss;

#ifdef LOGLOSS_JAX
extern "C" struct XLA_FFI_Error* logloss_of_jax(struct XLA_FFI_CallFrame*);  // jax_ffi.cpp
#endif

void bind_tally(nb::module_&);  // bind_tally.cpp

namespace {

// By what is between, float divides well: a result that is subnormal before it is divided has lost digits.
constexpr double least_divisor = 0x1p-3, largest_divisor = 0x1p60;

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
    bind_tally(m);
    m.def("total_weight", &total_weight, nb::arg("x"), nb::arg("weight"), maybe("mask"), nb::arg("bfloat16"),
          nb::arg("threads"));
}

// What the kernel is asked to do, in terms that no instruction set and no Python enters.
#pragma once

#include <cstdint>

#include "exact_sum.hpp"
#include "family.hpp"

namespace logloss {

enum class Type : int {
    boolean, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float16, bfloat16, float32, float64
};

constexpr int max_axes = 8;

// An array that broadcasts against the shape of the task; strides are in bytes, 0 along what is repeated.
struct Operand {
    const void* data = nullptr;  // null where there is none
    Type type = Type::float64;
    int64_t stride[max_axes] = {};
    bool is_contiguous = false;  // in the order of the task's axes, without a gap, aligned
};

// Weights of rows that, times class weights and smoothing of 2^-30 to 2^30 (core/work.py), float can hold.
constexpr double lightest_weight = 0x1p-60, heaviest_weight = 0x1p60;

constexpr unsigned LOSS = 1, GRADIENT = 2, HESSIAN = 4, SUM = 8;

struct Task {
    int axes = 1;
    int64_t shape[max_axes] = {};
    int64_t size = 0;
    Operand y, x, weight, mask, pos_weight, neg_weight;  // labels, predictions, ...
    Operand loss, gradient, hessian;                     // written, in the type of x
    Family family;
    unsigned want = 0;
    double divisor = 1;    // what derivatives are divided by
    bool is_wide = false;  // work in double, whatever the type of x
    bool is_hard = false;  // labels other than 0 and 1 are suspect
};

// What one thread found in its part.
struct Found {
    Accumulator sum;
    bool is_suspect = false;  // some value may have to be refused: look closely
    bool needs_width = false;  // some value needs a wider type than float to work in
};

using Work = void (*)(const Task&, int64_t begin, int64_t end, Found&);

struct Part;  // tally.hpp

struct Kernel {
    const char* name;
    Work run, total_weight;
    void (*tally)(const Task&, int64_t begin, int64_t end, Part&);
};

}  // namespace logloss

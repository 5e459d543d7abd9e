// A hash of every bit that a kernel makes, case by case, to be compared between instruction sets: bits KERNEL.
//
// The cases are the product of the tables below. Inputs are made of integers alone, so that they are the same everywhere.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "../dispatch.hpp"

using namespace logloss;

namespace {

struct Random {
    uint64_t state;

    uint64_t operator()() {  // SplitMix64
        uint64_t z = state += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }
    int below(int n) { return static_cast<int>((*this)() >> 33) % n; }
};

struct Kind {
    Type type;
    const char* name;
    int bytes, digits, bias;  // digits after the leading one; 0 for integers
};

constexpr Kind kinds[] = {
    {Type::boolean, "bool", 1, 0, 0},    {Type::int8, "int8", 1, 0, 0},
    {Type::uint8, "uint8", 1, 0, 0},     {Type::int16, "int16", 2, 0, 0},
    {Type::uint16, "uint16", 2, 0, 0},   {Type::int32, "int32", 4, 0, 0},
    {Type::uint32, "uint32", 4, 0, 0},   {Type::int64, "int64", 8, 0, 0},
    {Type::uint64, "uint64", 8, 0, 0},   {Type::float16, "float16", 2, 10, 15},
    {Type::bfloat16, "bfloat16", 2, 7, 127}, {Type::float32, "float32", 4, 23, 127},
    {Type::float64, "float64", 8, 52, 1023},
};

const Kind& kind_of(Type type) { return kinds[static_cast<int>(type)]; }

// A number of this exponent with random digits.
uint64_t number(const Kind& kind, Random& random, int exponent) {
    const int field = exponent + kind.bias;
    const uint64_t digits = random() & ((uint64_t{1} << kind.digits) - 1);
    return static_cast<uint64_t>(field < 0 ? 0 : field) << kind.digits | digits;
}

uint64_t one(const Kind& kind) { return kind.digits ? static_cast<uint64_t>(kind.bias) << kind.digits : 1; }

uint64_t logit(const Kind& kind, Random& random) {
    const uint64_t unit = uint64_t{1} << kind.digits, infinity = (2 * kind.bias + 1) * unit;
    const uint64_t edges[] = {0, 1, unit - 1, unit, one(kind), infinity - 1, infinity};
    const uint64_t sign = (random() & 1) << (8 * kind.bytes - 1);
    return sign | (random.below(8) ? number(kind, random, random.below(30) - 20) : edges[random.below(7)]);
}

uint64_t probability(const Kind& kind, Random& random) {
    const int which = random.below(6);
    return which < 2 ? which * one(kind) : number(kind, random, -1 - random.below(which == 2 ? 100 : 12));
}

uint64_t hidden(const Kind& kind, Random&) { return (4 * kind.bias + 3) * (uint64_t{1} << kind.digits) / 2; }  // NaN

uint64_t label(const Kind& kind, Random& random) {
    const int which = random.below(kind.digits ? 3 : 2);
    return which == 2 ? number(kind, random, -1 - random.below(14)) : which * one(kind);
}

uint64_t weight(const Kind& kind, Random& random) {
    return random.below(5) ? number(kind, random, random.below(20) - 10) : 0;
}

uint64_t class_weight(const Kind& kind, Random& random) { return number(kind, random, random.below(8) - 4); }

// How the elements of each array lie in memory.
struct Layout {
    const char* name;
    int64_t rows, columns;
    int64_t step;  // between neighbours, in elements
    int offset;    // of the first element, in bytes
};

constexpr Layout layouts[] = {
    {"contiguous", 1, 2100, 1, 0},  // more than a block
    {"short", 1, 5, 1, 0},
    {"strided", 1, 377, 3, 0},
    {"unaligned", 1, 377, 1, 1},
    {"backwards", 1, 377, -1, 0},
    {"in rows", 13, 29, 1, 0},  // labels by columns; a weight a row; class weights by columns
};

struct Array {
    std::vector<uint64_t> memory;
    Operand operand;
};

enum class Along { all, transposed, rows, columns };

// An array of zeros, and its operand.
Array make(const Layout& layout, Type type, Along along) {
    const int64_t bytes = kind_of(type).bytes, pitch = layout.columns + 3;
    const int64_t length = (layout.rows + 3) * pitch * (layout.step < 0 ? 1 : layout.step);
    Array made{std::vector<uint64_t>(length * bytes / 8 + 2), {}};
    char* data = reinterpret_cast<char*>(made.memory.data()) + layout.offset;
    Operand& operand = made.operand;
    operand.data = layout.step < 0 ? data + (layout.columns - 1) * bytes : data;
    operand.type = type;
    operand.is_contiguous = layout.rows == 1 && layout.step == 1 && (layout.offset == 0 || bytes == 1);
    if (layout.rows == 1) {
        operand.stride[0] = layout.step * bytes;
    } else {
        operand.stride[0] = along == Along::columns ? 0 : along == Along::all ? pitch * bytes : bytes;
        operand.stride[1] = along == Along::rows ? 0 : along == Along::transposed ? (layout.rows + 3) * bytes : bytes;
    }
    return made;
}

char* element(const Layout& layout, const Operand& operand, int64_t i) {
    const int64_t row = layout.rows == 1 ? i : i / layout.columns, column = layout.rows == 1 ? 0 : i % layout.columns;
    return static_cast<char*>(const_cast<void*>(operand.data)) + row * operand.stride[0] + column * operand.stride[1];
}

using Value = uint64_t (*)(const Kind&, Random&);

struct Case {
    Task task;
    const Layout& layout;
    Random random;
    std::vector<Array> arrays = {};

    Operand fill(Type type, Along along, Value value) {
        Array& array = arrays.emplace_back(make(layout, type, along));
        const Kind& kind = kind_of(type);
        for (int64_t i = 0; i < task.size; ++i) {
            const uint64_t bits = value(kind, random);
            std::memcpy(element(layout, array.operand, i), &bits, kind.bytes);
        }
        return array.operand;
    }
    // Where the operand is 0, every third prediction is not a number.
    void spoil(const Operand& operand) {
        const Kind &kind = kind_of(task.x.type), &its = kind_of(operand.type);
        const uint64_t nan = hidden(kind, random);
        for (int64_t i = 0; i < task.size; i += 3) {
            uint64_t bits = 0;
            std::memcpy(&bits, element(layout, operand, i), its.bytes);
            if (!bits) std::memcpy(element(layout, task.x, i), &nan, kind.bytes);
        }
    }
    void weigh(Type type) { spoil(task.weight = fill(type, Along::rows, weight)); }
    void hide() { spoil(task.mask = fill(Type::boolean, Along::all, label)); }
    void weigh_classes() {
        task.pos_weight = fill(Type::float64, Along::columns, class_weight);
        task.neg_weight = fill(Type::float64, Along::columns, class_weight);
    }
};

struct Option {
    const char* name;
    void (*set)(Case&);
    Value predict = logit;
};

void focus(Case& c, double gamma, double gamma_neg, double margin = 0) {
    c.task.family.gamma = gamma, c.task.family.gamma_neg = gamma_neg, c.task.family.margin = margin;
}

void clip(Case& c, double epsilon) {
    Family& family = c.task.family;
    family.from_logits = 0;
    family.low = family.narrow_low = epsilon, family.high = family.narrow_high = 1 - epsilon;
}

constexpr Option options[] = {
    {"plain", [](Case&) {}},
    {"worked out in double", [](Case& c) { c.task.is_wide = true; }},
    {"float32 weights", [](Case& c) { c.weigh(Type::float32); }},
    {"float64 weights", [](Case& c) { c.weigh(Type::float64); }},
    {"int8 weights", [](Case& c) { c.weigh(Type::int8); }},
    {"a mask", [](Case& c) { c.hide(); }},
    {"weights and a mask", [](Case& c) { c.weigh(Type::float32), c.hide(); }},
    {"smoothed", [](Case& c) { c.task.family.label_smoothing = 0.1; }},
    {"weighted", [](Case& c) { c.task.family.pos_weight = 3.7, c.task.family.neg_weight = 0.3; }},
    {"weighted by class", [](Case& c) { c.weigh_classes(); }},
    {"focused 0 1", [](Case& c) { focus(c, 0, 1); }},
    {"focused 1 0", [](Case& c) { focus(c, 1, 0); }},
    {"focused 1 2", [](Case& c) { focus(c, 1, 2); }},
    {"focused 2 2", [](Case& c) { focus(c, 2, 2); }},
    {"focused 0.3 2.5", [](Case& c) { focus(c, 0.3, 2.5); }},
    {"focused 3 7", [](Case& c) { focus(c, 3, 7); }},
    {"a margin", [](Case& c) { focus(c, 0, 0, 0.2); }},
    {"asymmetric", [](Case& c) { focus(c, 1, 4, 0.05); }},
    {"asymmetric by fractions", [](Case& c) { focus(c, 0.5, 1.7, 0.6); }},
    {"probabilities", [](Case& c) { clip(c, 0); }, probability},
    {"clipped probabilities", [](Case& c) { clip(c, 0x1p-20); }, probability},
    {"weighted probabilities", [](Case& c) { clip(c, 0), c.weigh(Type::float32), c.hide(); }, probability},
    {"focused probabilities", [](Case& c) { clip(c, 0x1p-20), focus(c, 2, 2); }, probability},
    {"probabilities focused by fractions", [](Case& c) { clip(c, 0), focus(c, 0.7, 2.5); }, probability},
    {"asymmetric probabilities", [](Case& c) { clip(c, 0x1p-20), focus(c, 1, 4, 0.05); }, probability},
    {"everything",
     [](Case& c) {
         c.weigh(Type::float64), c.hide(), c.weigh_classes();
         c.task.family.label_smoothing = 0.01;
         focus(c, 2, 1);
     }},
};

constexpr Type predictions[] = {Type::float32, Type::float64, Type::float16, Type::bfloat16};

uint64_t hash(uint64_t before, const void* data, size_t length) {  // FNV-1a
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < length; ++i) before = (before ^ bytes[i]) * 0x100000001b3;
    return before;
}

// The results, the sum, what was found, and that nothing was written beside the results.
uint64_t run(const Kernel& kernel, Task& task, const Layout& layout) {
    Array results[3];
    Operand* const operands[] = {&task.loss, &task.gradient, &task.hessian};
    for (int i = 0; i < 3; ++i)
        if (task.want >> i & 1) {
            results[i] = make(layout, task.x.type, Along::all);
            *operands[i] = results[i].operand;
        }
    task.divisor = task.want & SUM ? 7 : 1;
    Found found;
    kernel.run(task, 0, task.size, found);
    uint64_t made = 0xcbf29ce484222325;
    for (const Array& result : results) made = hash(made, result.memory.data(), 8 * result.memory.size());
    const double sum = found.sum.divided_by(task.divisor);
    made = hash(made, &sum, sizeof sum);
    const char flags[] = {found.is_suspect, found.needs_width};
    return hash(made, flags, sizeof flags);
}

}  // namespace

int main(int count, char** arguments) {
    const Kernel* kernel = count == 2 ? choose_kernel(arguments[1]) : nullptr;
    if (!kernel) {
        std::fprintf(stderr, "usage: bits KERNEL, one that this processor can run\n");
        return 2;
    }
    for (const Type prediction : predictions)
        for (const Kind& kind : kinds)
            for (const Option& option : options)
                for (const Layout& layout : layouts) {
                    Case made{{}, layout, {static_cast<uint64_t>(kind.type)}};
                    Task& task = made.task;
                    task.axes = layout.rows == 1 ? 1 : 2;
                    task.shape[0] = layout.rows == 1 ? layout.columns : layout.rows;
                    task.shape[1] = layout.columns;
                    task.size = layout.rows * layout.columns;
                    task.x = made.fill(prediction, Along::all, option.predict);
                    task.y = made.fill(kind.type, Along::transposed, label);
                    option.set(made);
                    for (task.want = 1; task.want < 16; ++task.want) {
                        task.loss = task.gradient = task.hessian = {};
                        std::string wanted;
                        for (int i = 0; i < 4; ++i)
                            if (task.want >> i & 1) wanted += std::string(" ") + "LGHS"[i];
                        std::printf("%s, labels %s, %s, %s,%s: %016llx\n", kind_of(prediction).name, kind.name,
                                    option.name, layout.name, wanted.c_str(),
                                    static_cast<unsigned long long>(run(*kernel, task, layout)));
                    }
                }
}

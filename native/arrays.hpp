// Arrays of any type and stride, read into and written from blocks that lie one element after the other.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "inline.hpp"
#include "task.hpp"

namespace logloss::ISA {

INLINE float widened(uint16_t bits, Type type) {
    if (type == Type::bfloat16) return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
    // float16: its exponent, moved to where float has it, is short of 112; subnormals come right by a multiplication.
    const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fff) << 13;
    const float value = std::bit_cast<float>(magnitude) * 0x1p112f;
    const uint32_t special = (bits & 0x7c00) == 0x7c00 ? 0x7f800000u | magnitude : std::bit_cast<uint32_t>(value);
    return std::bit_cast<float>(special | static_cast<uint32_t>(bits & 0x8000) << 16);
}

// Rounded to nearest, ties to even.
INLINE uint16_t narrowed(float x, Type type) {
    uint32_t bits = std::bit_cast<uint32_t>(x);
    const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (type == Type::bfloat16) {
        if (bits > 0x7f800000) return static_cast<uint16_t>(sign | bits >> 16 | 0x40);
        return static_cast<uint16_t>(sign | (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
    if (bits > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);
    if (bits >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // rounds to more than the largest
    if (bits < 0x38800000) {  // subnormal: adding one half lets the hardware round at the right place
        const float lifted = std::bit_cast<float>(bits) + 0.5f;
        return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(lifted) - 0x3f000000u));
    }
    return static_cast<uint16_t>(sign | (bits - 0x38000000 + 0xfff + (bits >> 13 & 1)) >> 13);
}

// Calls f(offset into the operand in bytes, first index, length) for each stretch along the last axis.
template <class F> INLINE void stretches(const Task& task, const Operand& operand, int64_t begin, int n, F f) {
    const int last = task.axes - 1;
    int64_t at[max_axes];
    int64_t rest = begin;
    for (int a = last; a >= 0; --a) {
        at[a] = rest % task.shape[a];
        rest /= task.shape[a];
    }
    int done = 0;
    while (done < n) {
        int64_t offset = 0;
        for (int a = 0; a <= last; ++a) offset += at[a] * operand.stride[a];
        const int64_t left = task.shape[last] - at[last];
        const int length = left < n - done ? static_cast<int>(left) : n - done;
        f(offset, done, length);
        done += length;
        at[last] += length;
        for (int a = last; a > 0 && at[a] == task.shape[a]; --a) {
            at[a] = 0;
            ++at[a - 1];
        }
    }
}

template <class S, class T, class C>
INLINE void read_as(const Task& task, const Operand& operand, int64_t begin, int n, T* out, C convert) {
    const char* base = static_cast<const char*>(operand.data);
    if (operand.is_contiguous) {
        const S* from = reinterpret_cast<const S*>(base) + begin;
        for (int i = 0; i < n; ++i) out[i] = convert(from[i]);
        return;
    }
    const int last = task.axes - 1;
    const int64_t step = operand.stride[last], width = task.shape[last];
    const auto load = [&](int64_t offset) {
        S value;
        std::memcpy(&value, base + offset, sizeof value);
        return convert(value);
    };
    // One value a class, the same in all rows, or one a row: the rows may be short, and there may be many.
    const bool is_two = last == 1, is_per_class = is_two && operand.stride[0] == 0 && width < n;
    if (is_two && step == 0) {
        int64_t row = begin / width;
        for (int64_t done = 0, until = width - begin % width; done < n; ++row, until += width) {
            const T value = load(row * operand.stride[0]);
            for (const int64_t to = until < n ? until : n; done < to; ++done) out[done] = value;
        }
        return;
    }
    const int count = is_per_class ? static_cast<int>(width) : n;
    stretches(task, operand, begin, count, [&](int64_t offset, int first, int length) {
        for (int i = 0; i < length; ++i) out[first + i] = load(offset + i * step);
    });
    if (is_per_class)
        for (int64_t done = width; done < n; done *= 2)
            std::memcpy(out + done, out, static_cast<size_t>(done < n - done ? done : n - done) * sizeof(T));
}

// The elements begin to begin + n of an operand: where they are, if nothing has to be converted, else in `buffer`.
template <class T> const T* read(const Task& task, const Operand& operand, int64_t begin, int n, T* buffer) {
    const auto plain = [](auto value) { return static_cast<T>(value); };
    switch (operand.type) {
        case Type::boolean:  // whose bytes may be anything but 0 where it is true
            read_as<uint8_t>(task, operand, begin, n, buffer, [](uint8_t byte) { return static_cast<T>(byte != 0); });
            break;
        case Type::uint8: read_as<uint8_t>(task, operand, begin, n, buffer, plain); break;
        case Type::int8: read_as<int8_t>(task, operand, begin, n, buffer, plain); break;
        case Type::int16: read_as<int16_t>(task, operand, begin, n, buffer, plain); break;
        case Type::uint16: read_as<uint16_t>(task, operand, begin, n, buffer, plain); break;
        case Type::int32: read_as<int32_t>(task, operand, begin, n, buffer, plain); break;
        case Type::uint32: read_as<uint32_t>(task, operand, begin, n, buffer, plain); break;
        case Type::int64: read_as<int64_t>(task, operand, begin, n, buffer, plain); break;
        case Type::uint64: read_as<uint64_t>(task, operand, begin, n, buffer, plain); break;
        case Type::float16:
        case Type::bfloat16:
            read_as<uint16_t>(task, operand, begin, n, buffer,
                              [type = operand.type](uint16_t bits) { return static_cast<T>(widened(bits, type)); });
            break;
        case Type::float32:
            if (operand.is_contiguous && sizeof(T) == 4) return static_cast<const T*>(operand.data) + begin;
            read_as<float>(task, operand, begin, n, buffer, plain);
            break;
        case Type::float64:
            if (operand.is_contiguous && sizeof(T) == 8) return static_cast<const T*>(operand.data) + begin;
            read_as<double>(task, operand, begin, n, buffer, plain);
            break;
    }
    return buffer;
}

// As `read`, of doubles that floats have to hold: what `holds` refuses sets `is_lost`.
template <class T, class H>
const T* read_held(const Task& task, const Operand& operand, int64_t begin, int n, T* buffer, H holds, bool& is_lost) {
    if (operand.type != Type::float64 || sizeof(T) == 8) return read(task, operand, begin, n, buffer);
    int lost = 0;
    read_as<double>(task, operand, begin, n, buffer, [&](double value) {
        lost |= !holds(value);
        return static_cast<T>(value);
    });
    is_lost |= lost != 0;
    return buffer;
}

// A label close to 1 says how much is left of 1, so not a digit may be lost. What is not a number is hidden or refused.
constexpr auto holds_label = [](double y) { return static_cast<double>(static_cast<float>(y)) == y || y != y; };

// Of a weight only the size matters, which class weights and smoothing may still change by 2^30 each way.
constexpr auto holds_weight = [](double w) { return w == 0 || !(w < lightest_weight || w > heaviest_weight); };

template <class S, class T, class C>
INLINE void write_as(const Task& task, const Operand& operand, int64_t begin, int n, const T* from, C convert) {
    char* base = static_cast<char*>(const_cast<void*>(operand.data));
    stretches(task, operand, begin, n, [&](int64_t offset, int first, int length) {
        const int64_t step = operand.stride[task.axes - 1];
        for (int i = 0; i < length; ++i) {
            const S value = convert(from[first + i]);
            std::memcpy(base + offset + i * step, &value, sizeof value);
        }
    });
}

// Where results of this type may be written at once; null if they have to go through a buffer.
template <class T> T* direct(const Operand& operand, int64_t begin) {
    const bool is_same = operand.type == (sizeof(T) == 4 ? Type::float32 : Type::float64);
    if (!is_same || !operand.is_contiguous) return nullptr;
    return static_cast<T*>(const_cast<void*>(operand.data)) + begin;
}

template <class T> void write(const Task& task, const Operand& operand, int64_t begin, int n, const T* from) {
    switch (operand.type) {
        case Type::float16:
        case Type::bfloat16:
            write_as<uint16_t>(task, operand, begin, n, from,
                               [type = operand.type](T x) { return narrowed(static_cast<float>(x), type); });
            break;
        case Type::float32:
            write_as<float>(task, operand, begin, n, from, [](T x) { return static_cast<float>(x); });
            break;
        default: write_as<double>(task, operand, begin, n, from, [](T x) { return static_cast<double>(x); });
    }
}

}  // namespace logloss::ISA

// JAX in, JAX out: what XLA calls on a processor. src/logloss/jax/kernel.py says with which arrays and attributes.
#include <xla/ffi/api/ffi.h>

#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "dispatch.hpp"

namespace logloss {
namespace {

namespace ffi = xla::ffi;

std::optional<Type> type_of(ffi::DataType type) {
    switch (type) {
        case ffi::PRED: return Type::boolean;
        case ffi::S8: return Type::int8;
        case ffi::U8: return Type::uint8;
        case ffi::S16: return Type::int16;
        case ffi::U16: return Type::uint16;
        case ffi::S32: return Type::int32;
        case ffi::U32: return Type::uint32;
        case ffi::S64: return Type::int64;
        case ffi::U64: return Type::uint64;
        case ffi::F16: return Type::float16;
        case ffi::BF16: return Type::bfloat16;
        case ffi::F32: return Type::float32;
        case ffi::F64: return Type::float64;
        default: return {};
    }
}

// Along the axes of the task. XLA's arrays have no gaps, and the last axis lies closest; what broadcasts has stride 0.
bool place(const Task& task, const ffi::AnyBuffer& buffer, Operand& operand) {
    const auto lengths = buffer.dimensions();
    const auto type = type_of(buffer.element_type());
    const int axes = static_cast<int>(lengths.size()), missing = task.axes - axes;
    if (!type || missing < 0) return false;
    operand.data = buffer.untyped_data();
    operand.type = *type;
    operand.is_contiguous = static_cast<int64_t>(buffer.element_count()) == task.size;
    auto stride = static_cast<int64_t>(ffi::ByteWidth(buffer.element_type()));
    for (int a = axes - 1; a >= 0; --a) {
        const int64_t length = lengths[static_cast<size_t>(a)];
        if (length != 1 && length != task.shape[a + missing]) return false;
        operand.stride[a + missing] = length == 1 ? 0 : stride;
        stride *= length;
    }
    return true;
}

// Of no more elements at once than `Work` may be given.
Found run_all(const Task& task, int threads) {
    constexpr int64_t part = int64_t{1} << 26;
    Found found;
    for (int64_t at = 0; at < task.size; at += part)
        run(chosen_kernel.load()->run, task, at, task.size - at < part ? task.size : at + part, threads, found);
    return found;
}

// Results are, in this order, those of SUM, LOSS and GRADIENT that are wanted. Where a value may have to be refused, they
// are nothing, and `is_suspect` says so: XLA has no way to refuse it, and does without the kernel.
ffi::Error compute(ffi::AnyBuffer x, ffi::AnyBuffer y, ffi::RemainingArgs others,
                   ffi::Result<ffi::BufferR0<ffi::PRED>> is_suspect, ffi::RemainingRets results,
                   ffi::Span<const double> family, int64_t given, int64_t want, bool is_wide, int64_t threads) {
    const auto refuse = [](const char* why) { return ffi::Error::InvalidArgument(why); };
    Task task;
    const auto lengths = x.dimensions();
    if (lengths.size() > max_axes) return refuse("logloss: more than eight axes");
    if (family.size() * sizeof(double) != sizeof(Family)) return refuse("logloss: not the numbers of a family");
    std::memcpy(static_cast<void*>(&task.family), family.begin(), sizeof(Family));
    task.axes = static_cast<int>(lengths.size() ? lengths.size() : 1);
    task.shape[0] = 1;
    for (size_t a = 0; a < lengths.size(); ++a) task.shape[a] = lengths[a];
    task.size = static_cast<int64_t>(x.element_count());
    task.want = static_cast<unsigned>(want);
    task.is_wide = is_wide;
    bool fits = place(task, x, task.x) && place(task, y, task.y);
    size_t next = 0;
    Operand* const factors[] = {&task.weight, &task.mask, &task.pos_weight, &task.neg_weight};
    for (int i = 0; i < 4; ++i) {
        if (!(given >> i & 1)) continue;
        const auto buffer = others.get<ffi::AnyBuffer>(next++);
        fits = fits && buffer.has_value() && place(task, *buffer, *factors[i]);
    }
    next = 0;
    std::optional<ffi::AnyBuffer> sum;
    if (want & SUM) {
        auto buffer = results.get<ffi::AnyBuffer>(next++);
        if (!buffer.has_value()) return refuse("logloss: no place for the sum");
        sum = **buffer;
    }
    for (const auto& [name, operand] : {std::pair{LOSS, &task.loss}, std::pair{GRADIENT, &task.gradient}}) {
        if (!(want & name)) continue;
        auto buffer = results.get<ffi::AnyBuffer>(next++);
        fits = fits && buffer.has_value() && place(task, **buffer, *operand) && operand->is_contiguous;
    }
    if (!fits) return refuse("logloss: arrays that do not fit the predictions");

    Found found = run_all(task, static_cast<int>(threads));
    if (found.needs_width && !found.is_suspect && !task.is_wide) {
        task.is_wide = true;
        found = run_all(task, static_cast<int>(threads));
    }
    *is_suspect->typed_data() = found.is_suspect;
    if (sum) {
        const double value = found.is_suspect ? std::numeric_limits<double>::quiet_NaN() : found.sum.divided_by(1);
        if (task.x.type == Type::float64)
            *sum->typed_data<double>() = value;
        else
            *sum->typed_data<float>() = static_cast<float>(value);
    }
    return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(logloss_of_jax, compute,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .RemainingArgs()
                                  .Ret<ffi::BufferR0<ffi::PRED>>()
                                  .RemainingRets()
                                  .Attr<ffi::Span<const double>>("family")
                                  .Attr<int64_t>("given")
                                  .Attr<int64_t>("want")
                                  .Attr<bool>("is_wide")
                                  .Attr<int64_t>("threads"));

}  // namespace logloss

// Every float32 logit but NaN, with both labels, on every instruction set of this machine, beside the C library in
// double. Says where the plain loss and the plain gradient are farthest from the truth.
#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../dispatch.hpp"

using namespace logloss;

namespace {

constexpr uint32_t infinity = 0x7f800000;
constexpr int block = 2048;

// What a result should be, and how many units in the last place of a float make 1 there.
struct Truth {
    double value[block], units[block];

    void set(int i, double exact) {
        value[i] = exact;
        const int64_t exponent = std::bit_cast<int64_t>(exact) >> 52, least = 1023 - 126;  // among subnormals, the same
        units[i] = std::bit_cast<double>((2 * 1023 + 23 - (exponent > least ? exponent : least)) << 52);
    }
};

// By size alone: what |z| votes for is the right label.
struct Reference {
    Truth loss[2], gradient[2];  // of a wrong label, of a right one

    void fill(const float* size) {
        for (int i = 0; i < block; ++i) {
            const double a = size[i], e = std::exp(-a), softplus = std::log1p(e);
            loss[0].set(i, a + softplus);
            loss[1].set(i, softplus);
            gradient[0].set(i, 1 / (1 + e));
            gradient[1].set(i, e / (1 + e));
        }
    }
};

struct Worst {
    double error = -1;
    float logit = 0;

    void meet(const Worst& other) {
        if (other.error > error) *this = other;
    }
};

// In units in the last place; infinite for what is not a number or has the wrong sign.
inline double error_of(double made, const Truth& truth, int i) {
    if (made == truth.value[i]) return 0;  // infinities too
    return made >= 0 ? std::abs(made - truth.value[i]) * truth.units[i] : HUGE_VAL;
}

void compare(const float* made, float sign, const Truth& truth, const float* logit, Worst& worst) {
    double most = 0;
    for (int i = 0; i < block; ++i) most = std::max(most, error_of(sign * made[i], truth, i));
    if (most <= worst.error) return;
    for (int i = 0; i < block; ++i)
        if (error_of(sign * made[i], truth, i) == most) worst = {most, logit[i]};
}

// A quantity with a label on an instruction set.
struct Row {
    Worst loss[2], gradient[2];
};

void run_both(const Kernel& kernel, const float* logit, int label, float* loss, float* gradient) {
    alignas(64) static const struct Labels {
        float of[2][block];
        Labels() {
            for (int i = 0; i < block; ++i) of[0][i] = 0, of[1][i] = 1;
        }
    } labels;
    Task task;
    task.shape[0] = task.size = block;
    const auto operand = [](const void* data) {
        Operand made{data, Type::float32, {}, true};
        made.stride[0] = sizeof(float);
        return made;
    };
    task.x = operand(logit);
    task.y = operand(labels.of[label]);
    task.loss = operand(loss);
    task.gradient = operand(gradient);
    task.want = LOSS | GRADIENT;
    Found found;
    kernel.run(task, 0, block, found);
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 3) {
        std::fprintf(stderr, "usage: exhaustive BOUND_OF_LOSS BOUND_OF_GRADIENT [STEP]\n");
        return 2;
    }
    const double bound_of_loss = std::atof(arguments[1]), bound_of_gradient = std::atof(arguments[2]);
    const int64_t step = count > 3 ? std::atoll(arguments[3]) : 1;

    std::vector<const Kernel*> kernels;
    for (const char* name : {"avx512", "avx2", "baseline", "neon"})
        if (const Kernel* kernel = choose_kernel(name)) kernels.push_back(kernel);

    std::vector<Row> rows(kernels.size());
    const int64_t blocks = (infinity / step + 1 + block) / block;
    std::atomic<int64_t> next = 0;
    std::mutex alone;
    const auto begun = std::chrono::steady_clock::now();
    const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(); };

    const auto work = [&] {
        std::vector<Row> mine(kernels.size());
        const auto reference = std::make_unique<Reference>();
        alignas(64) float size[block], logit[block], loss[block], gradient[block];
        for (int64_t at; (at = next++) < blocks;) {
            for (int i = 0; i < block; ++i) {
                const int64_t bits = (at * block + i) * step;
                size[i] = std::bit_cast<float>(bits < infinity ? static_cast<uint32_t>(bits) : infinity);
            }
            reference->fill(size);
            for (const bool is_negative : {false, true}) {
                for (int i = 0; i < block; ++i) logit[i] = is_negative ? -size[i] : size[i];
                for (const int label : {0, 1})
                    for (size_t k = 0; k < kernels.size(); ++k) {
                        const bool is_right = is_negative == (label == 0);
                        run_both(*kernels[k], logit, label, loss, gradient);
                        compare(loss, 1, reference->loss[is_right], logit, mine[k].loss[label]);
                        compare(gradient, label ? -1 : 1, reference->gradient[is_right], logit, mine[k].gradient[label]);
                    }
            }
            if (at % (1 << 14) == 0) {
                const double done = static_cast<double>(at) / static_cast<double>(blocks);
                std::fprintf(stderr, "\r%3.0f %% after %.0f s", 100 * done, seconds());
            }
        }
        const std::lock_guard<std::mutex> lock(alone);
        for (size_t k = 0; k < kernels.size(); ++k)
            for (const int label : {0, 1}) {
                rows[k].loss[label].meet(mine[k].loss[label]);
                rows[k].gradient[label].meet(mine[k].gradient[label]);
            }
    };
    std::vector<std::thread> threads(std::thread::hardware_concurrency());
    for (std::thread& thread : threads) thread = std::thread(work);
    for (std::thread& thread : threads) thread.join();
    std::fprintf(stderr, "\r%lld logits in %.0f s\n", static_cast<long long>(2 * (infinity / step + 1)), seconds());

    bool is_within = true;
    std::printf("%-8s  %-8s  label  largest error, ulp  at the logit\n", "kernel", "quantity");
    const auto print = [&](const Kernel& kernel, const char* quantity, int label, const Worst& worst, double bound) {
        const bool is_good = worst.error <= bound;
        is_within &= is_good;
        std::printf("%-8s  %-8s  %5d  %18.4f  %a = %.9g%s\n", kernel.name, quantity, label, worst.error, worst.logit,
                    worst.logit, is_good ? "" : "  ABOVE THE BOUND");
    };
    for (size_t k = 0; k < kernels.size(); ++k)
        for (const int label : {0, 1}) {
            print(*kernels[k], "loss", label, rows[k].loss[label], bound_of_loss);
            print(*kernels[k], "gradient", label, rows[k].gradient[label], bound_of_gradient);
        }
    return is_within ? 0 : 1;
}

// The evaluation's counting for Python: evaluation/counting.py says what it is for.
#include <initializer_list>
#include <mutex>
#include <utility>

#include "dispatch.hpp"
#include "python_arrays.hpp"
#include "tally.hpp"

using namespace logloss;

namespace {

template <class T> nb::object array_of(std::vector<T> values, std::initializer_list<size_t> shape) {
    auto* held = new std::vector<T>(std::move(values));
    const nb::capsule owner(held, [](void* memory) noexcept { delete static_cast<std::vector<T>*>(memory); });
    return nb::cast(nb::ndarray<nb::numpy, T>(held->data(), shape.size(), shape.begin(), owner));
}

// What is kept of rows: evaluation/tally.py says what it is for.
class Tally {
  public:
    // ``most_recent`` rows are counted in small numbers before those are added to large ones.
    Tally(bool from_logits, int64_t most_recent) : from_logits_(from_logits), most_recent_(most_recent), parts_(1) {
        parts_[0].most_recent = most_recent;
    }
    Tally(const Tally&) = delete;
    Tally& operator=(const Tally&) = delete;

    // The rows that cost most, as (least loss, losses, places); False if something may have to be refused, and then
    // this is spoilt; None if the arrays are unfit, and nothing was done.
    nb::object add(nb::handle x, nb::handle y, nb::handle weight, nb::handle mask, int wanted, double floor, int threads) try {
        Task task;
        const Arrays held(task, {x, y, weight, mask, {}, {}, {}, {}, {}}, 0);
        task.family.from_logits = from_logits_;
        Worst worst;
        worst.wanted = static_cast<size_t>(wanted);
        worst.floor = floor;
        bool is_suspect;
        {
            nb::gil_scoped_release others_may_run;
            is_suspect = !count(task, worst, static_cast<size_t>(threads));
        }
        if (is_suspect) return nb::bool_(false);
        std::vector<double> losses;
        std::vector<int64_t> places;
        for (const auto& [loss, place] : worst.rows) losses.push_back(loss), places.push_back(place);
        const size_t count = places.size();
        return nb::make_tuple(worst.floor, array_of(std::move(losses), {count}), array_of(std::move(places), {count}));
    } catch (const Unfit&) {
        return nb::none();
    }

    // The state, in a form that does not depend on how it came about but for the order of scores.
    nb::dict state() {
        const std::lock_guard one_at_a_time(mutex_);
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
        std::vector<int64_t> rows;
        std::vector<uint32_t> weights, squares;
        const auto push = [&](const int64_t* counted, const Weights* weighed) {
            for (int label = 0; label < 2; ++label) {
                rows.push_back(counted[label]);
                if (!weighed) continue;
                for (auto& [to, number] : {std::pair{&weights, &weighed[label].weight}, {&squares, &weighed[label].square}})
                    for (int i = 0; i < FixedPoint::words; ++i)
                        to->push_back(static_cast<uint32_t>(number->word(i))),
                            to->push_back(static_cast<uint32_t>(number->word(i) >> 32));
            }
        };
        if (all.are_kept) {
            std::vector<double> score, lesser;
            for (size_t i = 0; i < all.kept.scores().size(); ++i) {
                const Score& one = all.kept.scores()[i];
                score.push_back(one.score), lesser.push_back(one.lesser);
                push(one.rows, all.kept.weights(i));
            }
            const size_t n = score.size();
            made["score"] = array_of(std::move(score), {n}), made["lesser"] = array_of(std::move(lesser), {n});
        } else {
            std::vector<int32_t> cell;
            for (int i = 0; i < cells; ++i) {
                const int64_t counted[] = {all.cells.rows(i, 0), all.cells.rows(i, 1)};
                if (!counted[0] && !counted[1]) continue;
                cell.push_back(i);
                push(counted, all.cells.weights(i));
            }
            const size_t n = cell.size();
            made["cell"] = array_of(std::move(cell), {n});
        }
        const size_t n = rows.size() / 2, words = 2 * FixedPoint::words;
        made["rows"] = array_of(std::move(rows), {n, 2});
        const bool are_weighed = !weights.empty();
        made["weights"] = are_weighed ? array_of(std::move(weights), {n, 2, words}) : nb::none();
        made["squares"] = are_weighed ? array_of(std::move(squares), {n, 2, words}) : nb::none();
        return made;
    }

  private:
    bool count(const Task& task, Worst& worst, size_t threads) {
        const std::lock_guard one_at_a_time(mutex_);
        for (; parts_.size() < threads; parts_.back().most_recent = most_recent_) parts_.emplace_back();
        for (Part& part : parts_) {
            part.worst = {};
            part.worst.wanted = worst.wanted;
            part.worst.floor = worst.floor;
        }
        tally(*chosen_kernel.load(), task, 0, task.size, parts_);
        for (Part& part : parts_) {
            if (part.is_suspect) return false;
            worst.rows.insert(worst.rows.end(), part.worst.rows.begin(), part.worst.rows.end());
            if (part.worst.floor > worst.floor) worst.floor = part.worst.floor;
            part.worst = {};
        }
        std::erase_if(worst.rows, [&](const auto& row) { return row.first < worst.floor; });
        worst.shrink();
        return true;
    }

    bool from_logits_;
    int64_t most_recent_;
    std::mutex mutex_;  // taken without the interpreter's lock, or by who holds that and lets go of it before long
    std::vector<Part> parts_;
};

}  // namespace

void bind_tally(nb::module_& m) {
    const auto maybe = [](const char* name) { return nb::arg(name).none(); };
    nb::class_<Tally>(m, "Tally")
        .def(nb::init<bool, int64_t>(), nb::arg("from_logits"), nb::arg("most_recent") = int64_t{1} << 31)
        .def("add", &Tally::add, nb::arg("x"), nb::arg("y"), maybe("weight"), maybe("mask"), nb::arg("wanted"),
             nb::arg("floor"), nb::arg("threads"))
        .def("state", &Tally::state);
}

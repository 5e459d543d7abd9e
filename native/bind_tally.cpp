// The evaluation's counting for Python: evaluation/counting.py says what it is for.
#include <initializer_list>

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

void bind_tally(nb::module_& m) {
    const auto maybe = [](const char* name) { return nb::arg(name).none(); };
    nb::class_<Tally>(m, "Tally")
        .def(nb::init<bool>(), nb::arg("from_logits"))
        .def("add", &Tally::add, nb::arg("x"), nb::arg("y"), maybe("weight"), maybe("mask"), nb::arg("wanted"),
             nb::arg("floor"), nb::arg("threads"))
        .def("state", &Tally::state);
}

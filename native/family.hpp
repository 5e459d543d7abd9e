// The parameters of the family: BinaryCrossEntropy of core/family.py, which hands its numbers over in this order.
#pragma once

#include <limits>

namespace logloss {

// Nothing but doubles.
struct Family {
    double from_logits = 1;
    double low = 0, high = 1;            // what probabilities are clipped to, where predictions are float64,
    double narrow_low = 0, narrow_high = 1;  // and where they are of a narrower type
    double largest_surprise = std::numeric_limits<double>::infinity();  // -log p is taken for that at most,
    double smallest_divisor = 0;                                        // and derivatives divide by that at least
    double label_smoothing = 0;
    double pos_weight = 1, neg_weight = 1;  // 1 where there is one a class
    double gamma = 0, gamma_neg = 0, margin = 0;
};

}  // namespace logloss

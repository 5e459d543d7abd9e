// A few threads that stay, and wait for work.
#pragma once

#include <functional>

namespace logloss {

// Calls work(0) here, and work(1), work(2), ... in up to `others` more threads as soon as each is awake; returns when
// all that began have ended. Others may never begin: the work has to be such that whoever comes takes what is left of it.
// It must not throw. While one caller uses the threads, another gets none.
void share_work(int others, const std::function<void(int)>& work);

}  // namespace logloss

#include "pool.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace logloss {

namespace {

class Pool {
  public:
    void share(int others, const std::function<void(int)>& work) {
        {
            std::unique_lock lock(mutex_);
            if (work_) {
                lock.unlock();
                work(0);
                return;
            }
            try {
                for (; threads_ < others; ++threads_) std::thread([this] { serve(); }).detach();
            } catch (const std::exception&) {  // the system has no more threads: those that there are will do
            }
            work_ = &work;
            places_ = others < threads_ ? others : threads_;
            next_ = 1;
        }
        wake_.notify_all();
        work(0);
        std::unique_lock lock(mutex_);
        places_ = 0;
        ended_.wait(lock, [this] { return busy_ == 0; });
        work_ = nullptr;
    }

  private:
    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return places_ > 0; });
            --places_;
            ++busy_;
            const int mine = next_++;
            const std::function<void(int)>& work = *work_;
            lock.unlock();
            work(mine);
            lock.lock();
            if (--busy_ == 0) ended_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, ended_;
    const std::function<void(int)>* work_ = nullptr;
    int threads_ = 0, places_ = 0, busy_ = 0, next_ = 1;
};

// Never destroyed: its threads may wait in it until the process has ended.
Pool* pool = nullptr;
std::once_flag is_made;

void make_pool() {
    pool = new Pool;
#if !defined(_WIN32)
    // A child has none of its parent's threads, and its locks may be held by nobody.
    pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
#endif
}

}  // namespace

void share_work(int others, const std::function<void(int)>& work) {
    std::call_once(is_made, make_pool);
    pool->share(others, work);
}

}  // namespace logloss

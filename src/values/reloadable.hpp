#ifndef COAUTH_SRC_VALUES_RELOADABLE_HPP
#define COAUTH_SRC_VALUES_RELOADABLE_HPP

#include <coauth/result.hpp>

#include "values/watched_files.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace coauth::detail
{

// A value that is made from files, and made again when they have changed. May be used from any
// thread.
template <class T>
class reloadable
{
public:
    using ptr = std::shared_ptr<T>;

    explicit reloadable(watched_files files) : files_(std::move(files)) {}

    // The value that the files have now, or why they cannot be used.
    //
    // `load` makes the value. It gets the previous one, null at first, and returns that if the
    // files still say the same. It is called without a lock: it may read files and call functions
    // of the user. Threads that find a change at the same time each load, and agree on one value.
    template <class Load>
    result<ptr> current(Load const& load)
    {
        std::shared_ptr<loaded const> known;
        {
            std::lock_guard const lock(mutex_);
            if (failure_)
                return *failure_;
            known = loaded_;
        }
        if (known && files_.are_current(known->versions))
            return known->value;
        // Before they are read: a change meanwhile is noticed by the next call.
        auto versions = files_.on_disk();
        auto value = load(known ? known->value : nullptr);
        if (value)
            return store(known, std::move(versions), std::move(*value));
        if (files_.empty())
            store_failure(value.error());
        return value.error();
    }

    // Changes with the value.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

private:
    struct loaded
    {
        watched_files::versions versions;
        ptr value;
    };

    ptr
    store(std::shared_ptr<loaded const> const& known, watched_files::versions versions, ptr value)
    {
        auto next = std::make_shared<loaded const>(loaded{std::move(versions), std::move(value)});
        std::lock_guard const lock(mutex_);
        bool const by_another_thread =
            loaded_ && loaded_ != known && loaded_->versions == next->versions;
        if (by_another_thread)
            return loaded_->value;
        if (!loaded_ || loaded_->value != next->value)
            ++generation_;
        loaded_ = std::move(next);
        return loaded_->value;
    }

    void store_failure(error const& failure)
    {
        std::lock_guard const lock(mutex_);
        failure_ = failure;
    }

    watched_files const files_;

    std::mutex mutex_;
    std::shared_ptr<loaded const> loaded_;
    // Only without files: it is for ever.
    std::optional<error> failure_;
    std::atomic<std::uint64_t> generation_{0};
};

// How long the last good value is used while new files cannot be. Long enough for a deployment that
// writes its files one after the other, short enough that a mistake is noticed on the day that it
// is made.
inline constexpr std::chrono::minutes reload_grace{5};

// The last good value of something that may fail to be loaded again. May be used from any thread.
template <class T>
class last_good
{
public:
    using clock = std::chrono::steady_clock;

    // Returns the latest value; or in place of an error, for as long as the grace, the last good
    // one.
    result<T> update(result<T> latest, clock::time_point now)
    {
        std::lock_guard const lock(mutex_);
        if (latest)
        {
            value_ = *latest;
            failing_since_.reset();
            return latest;
        }
        if (!failing_since_)
            failing_since_ = now;
        return value_ && now - *failing_since_ < reload_grace ? result<T>(*value_)
                                                              : std::move(latest);
    }

private:
    std::mutex mutex_;
    std::optional<T> value_;
    std::optional<clock::time_point> failing_since_;
};

} // namespace coauth::detail

#endif

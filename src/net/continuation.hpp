#ifndef COAUTH_SRC_NET_CONTINUATION_HPP
#define COAUTH_SRC_NET_CONTINUATION_HPP

#include <memory>
#include <tuple>
#include <utility>

namespace coauth::net
{

// An operation that continues when a wait has ended.
class resumable
{
public:
    // Call it on the executor of the operation.
    virtual void resume() = 0;
    // Resumes soon, from any thread, and also without memory; never after the context was
    // destroyed.
    virtual void resume_later() noexcept = 0;

protected:
    ~resumable() = default;
};

// The handler of a wait. Destroyed without a call, it ends the wait too, and leaves `outcome`
// unchanged.
template <class... Results>
class continuation
{
public:
    using outcome_type = std::tuple<Results...>;

    continuation() = default;
    continuation(std::shared_ptr<resumable> owner, outcome_type& outcome) noexcept
        : owner_(std::move(owner))
        , outcome_(&outcome)
    {
    }
    continuation(continuation&&) noexcept = default;
    continuation& operator=(continuation&& other) noexcept
    {
        std::swap(owner_, other.owner_);
        std::swap(outcome_, other.outcome_);
        return *this;
    }
    ~continuation()
    {
        if (owner_)
            owner_->resume_later();
    }

    // Whether an operation waits.
    explicit operator bool() const noexcept { return owner_ != nullptr; }

    // On the executor.
    void operator()(Results... results)
    {
        *outcome_ = outcome_type(std::move(results)...);
        auto const owner = std::move(owner_);
        owner->resume();
    }
    // From any thread.
    void post(Results... results) noexcept
    {
        *outcome_ = outcome_type(std::move(results)...);
        auto const owner = std::move(owner_);
        owner->resume_later();
    }
    // The wait was not started.
    void dismiss() noexcept { owner_.reset(); }

private:
    std::shared_ptr<resumable> owner_;
    outcome_type* outcome_ = nullptr;
};

} // namespace coauth::net

#endif

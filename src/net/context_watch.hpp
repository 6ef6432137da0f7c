#ifndef COAUTH_SRC_NET_CONTEXT_WATCH_HPP
#define COAUTH_SRC_NET_CONTEXT_WATCH_HPP

#include <boost/asio/execution_context.hpp>

#include <mutex>

namespace coauth::net
{

// Tells when an execution context is about to go: what belongs to it, such as an idle connection,
// must go before it, even if its owner lives on.
class context_watch : public boost::asio::execution_context::service
{
public:
    using key_type = context_watch;
    static inline boost::asio::execution_context::id id;

    class member
    {
    public:
        // Called once, before any part of the context is destroyed.
        virtual void context_gone() noexcept = 0;

    protected:
        ~member() = default;

    private:
        friend class context_watch;
        member* previous_ = nullptr;
        member* next_ = nullptr;
        bool listed_ = false;
    };

    explicit context_watch(boost::asio::execution_context& context)
        : boost::asio::execution_context::service(context)
    {
    }

    void add(member& one)
    {
        std::lock_guard const lock(mutex_);
        one.previous_ = last_;
        (last_ != nullptr ? last_->next_ : first_) = &one;
        last_ = &one;
        one.listed_ = true;
    }
    void remove(member& one) noexcept
    {
        std::lock_guard const lock(mutex_);
        if (one.listed_)
            unlink(one);
    }

private:
    // What belongs to one member may own another, which then goes in the midst of this.
    void shutdown() override
    {
        while (auto* const one = take())
            one->context_gone();
    }

    member* take() noexcept
    {
        std::lock_guard const lock(mutex_);
        member* const one = first_;
        if (one != nullptr)
            unlink(*one);
        return one;
    }

    void unlink(member& one) noexcept
    {
        (one.next_ != nullptr ? one.next_->previous_ : last_) = one.previous_;
        (one.previous_ != nullptr ? one.previous_->next_ : first_) = one.next_;
        one.previous_ = one.next_ = nullptr;
        one.listed_ = false;
    }

    std::mutex mutex_;
    // In a list: there may be a hundred thousand token sources, each of which comes and goes.
    member* first_ = nullptr;
    member* last_ = nullptr;
};

} // namespace coauth::net

#endif

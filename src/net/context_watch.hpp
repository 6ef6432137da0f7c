#ifndef COAUTH_SRC_NET_CONTEXT_WATCH_HPP
#define COAUTH_SRC_NET_CONTEXT_WATCH_HPP

#include <boost/asio/execution_context.hpp>

#include <mutex>
#include <vector>

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
    };

    explicit context_watch(boost::asio::execution_context& context)
        : boost::asio::execution_context::service(context)
    {
    }

    void add(member& one)
    {
        std::lock_guard const lock(mutex_);
        members_.push_back(&one);
    }
    void remove(member& one) noexcept
    {
        std::lock_guard const lock(mutex_);
        std::erase(members_, &one);
    }

private:
    void shutdown() override
    {
        std::vector<member*> members;
        {
            std::lock_guard const lock(mutex_);
            members.swap(members_);
        }
        for (auto* const one : members)
            one->context_gone();
    }

    std::mutex mutex_;
    std::vector<member*> members_;
};

} // namespace coauth::net

#endif

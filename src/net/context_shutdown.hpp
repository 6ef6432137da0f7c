#ifndef COAUTH_SRC_NET_CONTEXT_SHUTDOWN_HPP
#define COAUTH_SRC_NET_CONTEXT_SHUTDOWN_HPP

#include <boost/asio/execution_context.hpp>

#include <memory>
#include <mutex>

namespace coauth::net
{

// Notifies its listeners before an execution context destroys its services: they release what
// belongs to the context, such as idle connections, even if they live longer. As with Asio's own
// I/O objects, a listener must not be destroyed in one thread while the context is in another.
class context_shutdown : public boost::asio::execution_context::service
{
    class registry;

public:
    using key_type = context_shutdown;
    static inline boost::asio::execution_context::id id;

    class listener
    {
    public:
        // Called once, before any service of the context is destroyed.
        virtual void on_context_shutdown() noexcept = 0;

        listener(listener const&) = delete;
        listener& operator=(listener const&) = delete;

    protected:
        listener() = default;
        ~listener()
        {
            if (registry_)
                registry_->remove(*this);
        }
        // Call it at the end of the constructor.
        void listen(boost::asio::execution_context& context)
        {
            registry_ = boost::asio::use_service<context_shutdown>(context).registry_;
            registry_->add(*this);
        }

    private:
        friend class registry;
        std::shared_ptr<registry> registry_;
        listener* previous_ = nullptr;
        listener* next_ = nullptr;
        bool listed_ = false;
    };

    explicit context_shutdown(boost::asio::execution_context& context)
        : boost::asio::execution_context::service(context)
    {
    }

private:
    // Shared with the listeners, which may live longer than the context.
    class registry
    {
    public:
        void add(listener& added)
        {
            std::lock_guard const lock(mutex_);
            added.previous_ = last_;
            (last_ != nullptr ? last_->next_ : first_) = &added;
            last_ = &added;
            added.listed_ = true;
        }
        void remove(listener& removed) noexcept
        {
            std::lock_guard const lock(mutex_);
            if (removed.listed_)
                unlink(removed);
        }
        // Without the lock: a listener may own others, or itself, and destroy them here.
        void notify_shutdown() noexcept
        {
            while (auto* const next = pop())
                next->on_context_shutdown();
        }

    private:
        listener* pop() noexcept
        {
            std::lock_guard const lock(mutex_);
            auto* const popped = first_;
            if (popped != nullptr)
                unlink(*popped);
            return popped;
        }
        void unlink(listener& removed) noexcept
        {
            (removed.previous_ != nullptr ? removed.previous_->next_ : first_) = removed.next_;
            (removed.next_ != nullptr ? removed.next_->previous_ : last_) = removed.previous_;
            removed.previous_ = removed.next_ = nullptr;
            removed.listed_ = false;
        }

        std::mutex mutex_;
        listener* first_ = nullptr;
        listener* last_ = nullptr;
    };

    void shutdown() override { registry_->notify_shutdown(); }

    std::shared_ptr<registry> registry_ = std::make_shared<registry>();
};

} // namespace coauth::net

#endif

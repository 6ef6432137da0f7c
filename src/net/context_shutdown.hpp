#ifndef COAUTH_SRC_NET_CONTEXT_SHUTDOWN_HPP
#define COAUTH_SRC_NET_CONTEXT_SHUTDOWN_HPP

#include <boost/asio/execution_context.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace coauth::net
{

// Tells when an execution context is about to go: what belongs to it, such as an idle connection,
// must go before it, even if its owner lives on. The owner and the context may go at the same time
// in two threads: each then waits for the other.
class context_shutdown : public boost::asio::execution_context::service
{
    class registry;

public:
    using key_type = context_shutdown;
    static inline boost::asio::execution_context::id id;

    class member
    {
    public:
        // Called once, before any part of the context is destroyed.
        virtual void context_gone() noexcept = 0;

        member(member const&) = delete;
        member& operator=(member const&) = delete;

    protected:
        member() = default;
        // By now, what the member had of the context is gone.
        ~member()
        {
            if (registry_)
                registry_->remove(*this);
        }

        // At the end of the constructor.
        void watch(boost::asio::execution_context& context)
        {
            registry_ = boost::asio::use_service<context_shutdown>(context).registry_;
            registry_->add(*this);
        }
        // At the beginning of the destructor.
        void leave() noexcept
        {
            if (registry_)
                registry_->leave(*this);
        }
        // Around what uses the context and may be called while that goes: it waits for the end of
        // `use`, or `use` is not called any more.
        template <class F>
        void with_context(F const& use)
        {
            struct holding
            {
                ~holding() { self.registry_->release(self); }
                member& self;
            };
            if (!registry_ || !registry_->hold(*this))
                return;
            holding const until_used{*this};
            use();
        }

    private:
        friend class registry;
        std::shared_ptr<registry> registry_;
        member* previous_ = nullptr;
        member* next_ = nullptr;
        bool listed_ = false;
        // Whose thread destroys it; none: nobody does.
        std::thread::id leaving_;
        unsigned holds_ = 0;
    };

    explicit context_shutdown(boost::asio::execution_context& context)
        : boost::asio::execution_context::service(context)
    {
    }

private:
    // Outlives the context with its members.
    class registry
    {
    public:
        void add(member& one)
        {
            std::lock_guard const lock(mutex_);
            one.previous_ = last_;
            (last_ != nullptr ? last_->next_ : first_) = &one;
            last_ = &one;
            one.listed_ = true;
        }

        void leave(member& one) noexcept
        {
            std::unique_lock lock(mutex_);
            one.leaving_ = std::this_thread::get_id();
            changed_.wait(lock, [&] { return told_ != &one || teller_ == one.leaving_; });
        }

        [[nodiscard]] bool hold(member& one) noexcept
        {
            std::lock_guard const lock(mutex_);
            one.holds_ += one.listed_ ? 1U : 0U;
            return one.listed_;
        }
        void release(member& one) noexcept
        {
            std::lock_guard const lock(mutex_);
            --one.holds_;
            changed_.notify_all();
        }

        void remove(member& one) noexcept
        {
            std::lock_guard const lock(mutex_);
            if (!one.listed_)
                return;
            unlink(one);
            changed_.notify_all();
        }

        // What belongs to one member may own another, or even itself, which then goes in the midst
        // of this.
        void notify_shutdown() noexcept
        {
            std::unique_lock lock(mutex_);
            teller_ = std::this_thread::get_id();
            for (;;)
            {
                changed_.wait(
                    lock,
                    [&] { return (told_ = find_idle()) != nullptr || all_leave_in(teller_); });
                if (told_ == nullptr)
                    return;
                unlink(*told_);
                lock.unlock();
                told_->context_gone();
                lock.lock();
                told_ = nullptr;
                changed_.notify_all();
            }
        }

    private:
        // The first that no thread destroys or holds.
        [[nodiscard]] member* find_idle() const noexcept
        {
            member* one = first_;
            while (one != nullptr && (one->leaving_ != std::thread::id() || one->holds_ != 0))
                one = one->next_;
            return one;
        }
        [[nodiscard]] bool all_leave_in(std::thread::id thread) const noexcept
        {
            for (auto const* one = first_; one != nullptr; one = one->next_)
                if (one->leaving_ != thread)
                    return false;
            return true;
        }
        void unlink(member& one) noexcept
        {
            (one.next_ != nullptr ? one.next_->previous_ : last_) = one.previous_;
            (one.previous_ != nullptr ? one.previous_->next_ : first_) = one.next_;
            one.previous_ = one.next_ = nullptr;
            one.listed_ = false;
        }

        std::mutex mutex_;
        std::condition_variable changed_;
        member* first_ = nullptr;
        member* last_ = nullptr;
        // Who is being told, and by which thread.
        member* told_ = nullptr;
        std::thread::id teller_;
    };

    void shutdown() override { registry_->notify_shutdown(); }

    std::shared_ptr<registry> registry_ = std::make_shared<registry>();
};

} // namespace coauth::net

#endif

#ifndef COAUTH_SRC_NET_PHASE_TIMER_HPP
#define COAUTH_SRC_NET_PHASE_TIMER_HPP

#include <coauth/observer.hpp>

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

namespace coauth::net
{

// The present phase of an operation. Notifies an observer when a phase ends.
class phase_timer
{
public:
    using clock = std::chrono::steady_clock;

    phase_timer(
        std::shared_ptr<coauth::observer> observer, clock::time_point began,
        event_context const& context = {})
        : observer_(std::move(observer))
        , operation_began_(began)
        , context_(context)
    {
    }

    // Valid as long as the endpoint's owner.
    void set_endpoint(std::string_view url) noexcept { context_.endpoint = url; }
    [[nodiscard]] event_context const& context() const noexcept { return context_; }

    void enter(phase what)
    {
        now_ = what;
        if (observer_)
            phase_began_ = clock::now();
    }
    void leave(boost::system::error_code failure = {}) const
    {
        if (!observer_)
            return;
        phase_ended const event{
            now_, phase_began_ - operation_began_, clock::now() - phase_began_, failure, context_};
        notify([&](coauth::observer& to) { to.on_phase_ended(event); });
    }

    [[nodiscard]] phase now() const noexcept { return now_; }
    [[nodiscard]] clock::time_point began() const noexcept { return operation_began_; }

    // Exceptions of an observer are ignored.
    template <class Event>
    void notify(Event&& event) const noexcept
    {
        try
        {
            if (observer_)
                event(*observer_);
        }
        catch (...) // NOLINT(bugprone-empty-catch): documented
        {
        }
    }

private:
    std::shared_ptr<coauth::observer> observer_;
    clock::time_point operation_began_;
    event_context context_;
    clock::time_point phase_began_;
    phase now_ = phase::lookup;
};

} // namespace coauth::net

#endif

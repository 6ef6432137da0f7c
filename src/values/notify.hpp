#ifndef COAUTH_SRC_VALUES_NOTIFY_HPP
#define COAUTH_SRC_VALUES_NOTIFY_HPP

#include <coauth/observer.hpp>

#include <memory>

namespace coauth::detail
{

// Calls `event` with the observer, if there is one. Exceptions of an observer are ignored.
template <class Event>
void notify(std::shared_ptr<observer> const& observer, Event const& event) noexcept
{
    try
    {
        if (observer)
            event(*observer);
    }
    catch (...) // NOLINT(bugprone-empty-catch): documented
    {
    }
}

} // namespace coauth::detail

#endif

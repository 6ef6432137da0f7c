#include <coauth/observer.hpp>

#include "values/operation_number.hpp"

#include <atomic>

namespace coauth
{

observer::~observer() = default;

std::string_view to_string(phase p) noexcept
{
    switch (p)
    {
    case phase::lookup:
        return "lookup";
    case phase::connect:
        return "connect";
    case phase::tls:
        return "tls";
    case phase::request:
        return "request";
    case phase::response:
        return "response";
    }
    return "unknown";
}

std::string_view to_string(fetch_reason reason) noexcept
{
    switch (reason)
    {
    case fetch_reason::empty:
        return "empty";
    case fetch_reason::expired:
        return "expired";
    case fetch_reason::refresh:
        return "refresh";
    case fetch_reason::invalidated:
        return "invalidated";
    case fetch_reason::forced:
        return "forced";
    }
    return "unknown";
}

std::string_view to_string(store_operation operation) noexcept
{
    switch (operation)
    {
    case store_operation::load:
        return "load";
    case store_operation::claim:
        return "claim";
    case store_operation::renew:
        return "renew";
    case store_operation::publish:
        return "publish";
    case store_operation::release:
        return "release";
    case store_operation::remove_if:
        return "remove_if";
    }
    return "unknown";
}

std::string_view to_string(claim_outcome outcome) noexcept
{
    switch (outcome)
    {
    case claim_outcome::won:
        return "won";
    case claim_outcome::held:
        return "held";
    case claim_outcome::lost:
        return "lost";
    }
    return "unknown";
}

std::uint64_t detail::next_operation_number() noexcept
{
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

} // namespace coauth

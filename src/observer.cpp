#include <coauth/observer.hpp>

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
    case phase::answer:
        return "answer";
    }
    return "unknown";
}

} // namespace coauth

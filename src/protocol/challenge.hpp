#ifndef COAUTH_SRC_PROTOCOL_CHALLENGE_HPP
#define COAUTH_SRC_PROTOCOL_CHALLENGE_HPP

#include <optional>
#include <string_view>

namespace coauth::protocol
{

// Iterates over a parameter of all challenges in a WWW-Authenticate field (RFC 6750 section 3, RFC
// 9110 section 11.6.1), such as `error`.
class challenge_parameters
{
public:
    challenge_parameters(std::string_view field, std::string_view name) noexcept
        : rest_(field)
        , name_(name)
    {
    }

    // The next value without its quotes. None: the end.
    std::optional<std::string_view> next() noexcept;

private:
    std::string_view name() noexcept;
    bool has_value() noexcept;
    std::string_view value() noexcept;
    bool skip() noexcept;
    std::string_view take(std::size_t size) noexcept;

    std::string_view rest_;
    std::string_view name_;
};

} // namespace coauth::protocol

#endif

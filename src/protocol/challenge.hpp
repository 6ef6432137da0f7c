#ifndef COAUTH_SRC_PROTOCOL_CHALLENGE_HPP
#define COAUTH_SRC_PROTOCOL_CHALLENGE_HPP

#include <optional>
#include <string_view>

namespace coauth::protocol
{

// Iterates over the `error` parameters of all challenges in a WWW-Authenticate field (RFC 6750
// section 3, RFC 9110 section 11.6.1).
class www_authenticate_errors
{
public:
    explicit www_authenticate_errors(std::string_view field) noexcept : rest_(field) {}

    // The next error without its quotes. None: the end.
    std::optional<std::string_view> next() noexcept;

private:
    std::string_view name() noexcept;
    bool has_value() noexcept;
    std::string_view value() noexcept;
    bool skip() noexcept;
    std::string_view take(std::size_t size) noexcept;

    std::string_view rest_;
};

} // namespace coauth::protocol

#endif

#ifndef COAUTH_HTTP_HEADERS_HPP
#define COAUTH_HTTP_HEADERS_HPP

#include <coauth/export.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coauth
{

/// One field of an HTTP answer.
struct http_header
{
    std::string name;
    std::string value;
};

/// The header fields of an HTTP answer, in the order received. Text of the server: untrusted.
class COAUTH_DECL http_headers
{
public:
    http_headers() = default;

    /// The value of the first field of this name (case-insensitive, RFC 9110 section 5.1).
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    /// How many fields have this name.
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

    void add(std::string name, std::string value);

    [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
    [[nodiscard]] auto end() const noexcept { return fields_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }

private:
    std::vector<http_header> fields_;
};

} // namespace coauth

#endif

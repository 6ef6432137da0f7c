#ifndef COAUTH_HTTP_HEADERS_HPP
#define COAUTH_HTTP_HEADERS_HPP

#include <coauth/export.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coauth
{

/// One header field of an HTTP message.
struct http_header
{
    /// The name, as received.
    std::string name;
    /// The value, as received.
    std::string value;
};

/// The header fields of an HTTP message, in the order received. Names are case-insensitive (RFC
/// 9110 section 5.1). The text comes from the peer: do not trust it.
class COAUTH_DECL http_headers
{
public:
    /// No fields.
    http_headers() = default;

    /// The value of the first field with this name. None: there is no such field.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    /// The number of fields with this name.
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

    /// Appends a field.
    void add(std::string name, std::string value);

    ///@{

    /// The fields as a range of `http_header`.
    [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
    [[nodiscard]] auto end() const noexcept { return fields_.end(); }
    ///@}
    /// The number of fields.
    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    /// True if there are no fields.
    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }

private:
    std::vector<http_header> fields_;
};

} // namespace coauth

#endif

#ifndef COAUTH_SRC_VALUES_JSON_DOCUMENT_HPP
#define COAUTH_SRC_VALUES_JSON_DOCUMENT_HPP

#include <coauth/secret.hpp>

#include <boost/container/small_vector.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::detail
{

enum class json_kind
{
    absent,
    null,
    boolean,
    number,
    string,
    object,
    array,
};

struct json_value
{
    json_kind kind = json_kind::absent;
    // The characters of a string, or the JSON text of any other value.
    std::string_view text;

    [[nodiscard]] bool absent_or_null() const noexcept
    {
        return kind == json_kind::absent || kind == json_kind::null;
    }
    [[nodiscard]] std::optional<std::string_view> as_string() const noexcept;
    // A string, or an array of strings of at most 64 KiB. None: it is something else.
    [[nodiscard]] std::optional<std::vector<std::string>> as_strings() const;
    // The JSON text of each element of an array of objects. None: it is something else.
    [[nodiscard]] std::optional<std::vector<secret>> as_objects() const;
    // A number of seconds since 1970 (a number or a string), rounded down and cut to the end of the
    // clock. None: it is something else.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> as_time() const;
};

struct json_member
{
    std::string_view name;
    json_value value;
};

// A JSON object (RFC 8259): its members, and those of its member `error`.
//
// Strict: one object and nothing after it, at most 32 levels, at most 1,000 members with different
// names, and at most 50,000 values on all levels.
class json_document
{
public:
    // None: `text` is not such a document. The document keeps views of `text`, which must outlive
    // it.
    static std::optional<json_document> parse(std::string_view text);

    // A member of the document, or of its member `error`. In the latter, objects and arrays have no
    // text.
    [[nodiscard]] json_value find(std::string_view name) const noexcept;
    [[nodiscard]] json_value find_in_error(std::string_view name) const noexcept;

    [[nodiscard]] std::span<json_member const> members() const noexcept
    {
        return {members_.data(), members_.size()};
    }
    [[nodiscard]] std::span<json_member const> error_members() const noexcept
    {
        return error_members_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
    [[nodiscard]] std::string_view name(std::size_t i) const noexcept { return members_[i].name; }
    [[nodiscard]] json_value value(std::size_t i) const noexcept { return members_[i].value; }

private:
    class handler;

    // Most documents have few members.
    boost::container::small_vector<json_member, 8> members_;
    std::vector<json_member> error_members_;
    // Texts that are not views of the parsed text: strings with escapes and nested values.
    std::vector<secret> owned_text_;
};

} // namespace coauth::detail

#endif

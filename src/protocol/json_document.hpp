#ifndef COAUTH_SRC_PROTOCOL_JSON_DOCUMENT_HPP
#define COAUTH_SRC_PROTOCOL_JSON_DOCUMENT_HPP

#include <coauth/secret.hpp>

#include <boost/container/small_vector.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::protocol
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
    // A string: its characters. Anything else: its JSON text.
    std::string_view text;

    [[nodiscard]] bool absent_or_null() const noexcept
    {
        return kind == json_kind::absent || kind == json_kind::null;
    }
    [[nodiscard]] std::optional<std::string_view> as_string() const noexcept;
    // A string, or the strings of an array; none: it is neither, or an array of more than 64 KiB.
    [[nodiscard]] std::optional<std::vector<std::string>> as_strings() const;
    // The number of seconds since 1970, rounded down, also as text; at most the latest time that
    // the clock can show. None: it is no such number.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> as_time() const noexcept;
};

struct json_member
{
    std::string_view name;
    json_value value;
};

// A JSON object as a token endpoint responds it: its members, and those of a nested `error` object.
//
// Strict: one object and nothing after it, depth at most 32, at most 1,000 members, none of them
// twice, and at most 50,000 values, nested ones included.
class json_document
{
public:
    // None: not such a document. It keeps views of `text`, which must outlive it.
    static std::optional<json_document> parse(std::string_view text);

    // A member of the document, and a member of its member `error`, whose objects and arrays have
    // no text.
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

    // Most documents have few.
    boost::container::small_vector<json_member, 8> members_;
    std::vector<json_member> error_members_;
    // What the text does not hold as it is: strings with escapes, nested values.
    std::vector<secret> made_;
};

} // namespace coauth::protocol

#endif

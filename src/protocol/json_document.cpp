#include "protocol/json_document.hpp"

#include "values/encoding.hpp"

// The parser puts a string with escapes together on its stack, in pieces of this size. It is left
// there where the string turns out to be none.
#define BOOST_JSON_STACK_BUFFER_SIZE 64
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <utility>

namespace coauth::protocol
{
namespace
{

namespace json = boost::json;
using boost::system::error_code;

constexpr std::size_t deepest = 32;
constexpr std::size_t most_members = 1000;
// A megabyte of more and smaller ones would keep the event loop waiting.
constexpr std::size_t most_values = 50'000;
// Each of its strings takes twenty times the room of its text.
constexpr std::size_t longest_list = std::size_t(64) * 1024;

json_value find_among(std::span<json_member const> where, std::string_view name) noexcept
{
    for (auto const& member : where)
        if (member.name == name)
            return member.value;
    return {};
}

// What comes twice is read in two ways by two readers.
bool has_duplicate(std::span<json_member const> among)
{
    constexpr std::size_t few = 16;
    if (among.size() <= few)
    {
        for (auto one = among.begin(); one != among.end(); ++one)
            for (auto other = among.begin(); other != one; ++other)
                if (one->name == other->name)
                    return true;
        return false;
    }
    std::vector<std::string_view> names;
    names.reserve(among.size());
    for (auto const& one : among)
        names.push_back(one.name);
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// What `from_chars` takes, but not "inf" and "nan".
std::optional<double> as_double(std::string_view text) noexcept
{
    double value = 0;
    auto const end = text.data() + text.size();
    auto const [stopped, failure] = std::from_chars(text.data(), end, value);
    if (failure != std::errc() || stopped != end || !std::isfinite(value))
        return std::nullopt;
    return value;
}

} // namespace

std::optional<std::string_view> json_value::as_string() const noexcept
{
    if (kind != json_kind::string)
        return std::nullopt;
    return text;
}

std::optional<std::vector<std::string>> json_value::as_strings() const
{
    if (kind == json_kind::string)
        return std::vector<std::string>{std::string(text)};
    if (kind != json_kind::array || text.size() > longest_list)
        return std::nullopt;
    error_code failed;
    auto const parsed = json::parse({text.data(), text.size()}, failed);
    if (failed || !parsed.is_array())
        return std::nullopt;
    std::vector<std::string> strings;
    for (auto const& element : parsed.get_array())
    {
        if (!element.is_string())
            return std::nullopt;
        strings.emplace_back(element.get_string().data(), element.get_string().size());
    }
    return strings;
}

std::optional<std::chrono::system_clock::time_point> json_value::as_time() const noexcept
{
    using clock = std::chrono::system_clock;
    constexpr auto latest =
        std::chrono::floor<std::chrono::seconds>(clock::duration::max()).count();
    if (kind != json_kind::number && kind != json_kind::string)
        return std::nullopt;
    auto const seconds = as_double(text);
    if (!seconds || *seconds < 0)
        return std::nullopt;
    // Exact: no clock shows as many seconds as a double cannot tell apart.
    if (*seconds >= static_cast<double>(latest))
        return clock::time_point(std::chrono::seconds(latest));
    return clock::time_point(std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
}

// Receives the parser's events. What lies deeper than the members that we read is written out again
// as JSON text.
class json_document::handler
{
public:
    explicit handler(std::string_view text) : text_(text) {}

    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    json_document document;

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }

    bool on_object_begin(error_code& ec)
    {
        if (depth_ == 0)
        {
            ++depth_;
            return true;
        }
        if (depth_ == 1)
            in_error_ = key_ == "error";
        return open('{', json_kind::object, ec);
    }
    bool on_object_end(std::size_t, error_code&) { return close('}'); }

    bool on_array_begin(error_code& ec) { return open('[', json_kind::array, ec); }
    bool on_array_end(std::size_t, error_code&) { return close(']'); }

    bool on_key_part(json::string_view s, std::size_t, error_code&)
    {
        wiping const after(*this, s);
        return add_part(s);
    }
    bool on_key(json::string_view s, std::size_t, error_code& ec)
    {
        wiping const after(*this, s);
        auto const name = whole(s);
        if (depth_ == 1)
            key_ = keep(name);
        else if (depth_ == 2 && in_error_)
            error_key_ = keep(name);
        if (depth_ > 1)
        {
            separate();
            append_json_string(nested_, name);
            nested_.append(':');
        }
        bool const fits = count_member(ec);
        part_.clear();
        return fits;
    }

    bool on_string_part(json::string_view s, std::size_t, error_code&)
    {
        wiping const after(*this, s);
        return add_part(s);
    }
    bool on_string(json::string_view s, std::size_t, error_code& ec)
    {
        wiping const after(*this, s);
        return scalar(json_kind::string, whole(s), ec);
    }

    bool on_number_part(json::string_view s, error_code&) { return add_part(s); }
    bool on_int64(std::int64_t, json::string_view s, error_code& ec) { return number(s, ec); }
    bool on_uint64(std::uint64_t, json::string_view s, error_code& ec) { return number(s, ec); }
    bool on_double(double, json::string_view s, error_code& ec) { return number(s, ec); }

    bool on_bool(bool value, error_code& ec)
    {
        return scalar(json_kind::boolean, value ? "true" : "false", ec);
    }
    bool on_null(error_code& ec) { return scalar(json_kind::null, "null", ec); }

    bool on_comment_part(json::string_view, error_code&) { return true; }
    bool on_comment(json::string_view, error_code&) { return true; }

private:
    static bool config_error(error_code& ec)
    {
        ec = json::error::syntax;
        return false;
    }

    bool add_part(json::string_view s)
    {
        part_.append(std::string_view(s.data(), s.size()));
        return true;
    }

    bool number(json::string_view s, error_code& ec)
    {
        return scalar(json_kind::number, whole(s), ec);
    }

    // All pieces as one, until the next begins.
    std::string_view whole(json::string_view last)
    {
        if (part_.empty())
            return {last.data(), last.size()};
        add_part(last);
        return part_.view();
    }

    // What had no escapes stands in the text as it is.
    [[nodiscard]] bool is_of_text(char const* data, std::size_t size) const
    {
        std::less_equal<> const before;
        return before(text_.data(), data) && before(data + size, text_.data() + text_.size());
    }

    // Wipes in the end what lies in the parser's own buffer, which it does not read again.
    class wiping
    {
    public:
        wiping(handler const& in, json::string_view what) : in_(in), what_(what) {}
        ~wiping()
        {
            if (!in_.is_of_text(what_.data(), what_.size()))
                wipe(const_cast<char*>(what_.data()), what_.size());
        }
        wiping(wiping const&) = delete;
        wiping& operator=(wiping const&) = delete;

    private:
        handler const& in_;
        json::string_view const what_;
    };

    // For as long as the document lives.
    std::string_view keep(std::string_view found)
    {
        if (is_of_text(found.data(), found.size()))
            return found;
        return document.made_.emplace_back(found).view();
    }

    // Between two values, but not after an opening or a name.
    void separate()
    {
        auto const written = nested_.view();
        if (!written.empty() &&
            std::string_view("{[:").find(written.back()) == std::string_view::npos)
            nested_.append(',');
    }

    bool open(char bracket, json_kind kind, error_code& ec)
    {
        if (depth_ == 0)
            return config_error(ec);
        if (depth_++ == 1)
            outer_kind_ = kind;
        else
            separate();
        nested_.append(bracket);
        return count_value(ec);
    }

    bool close(char bracket)
    {
        if (--depth_ == 0)
            return true;
        nested_.append(bracket);
        if (depth_ == 2 && in_error_)
            document.error_members_.push_back(
                {error_key_, {bracket == '}' ? json_kind::object : json_kind::array, {}}});
        if (depth_ != 1)
            return true;
        in_error_ = false;
        // Not copied: it may be most of the document.
        auto const& made = document.made_.emplace_back(std::exchange(nested_, {}));
        document.members_.push_back({key_, {outer_kind_, made.view()}});
        return true;
    }

    bool scalar(json_kind kind, std::string_view text, error_code& ec)
    {
        if (depth_ == 0)
            return config_error(ec);
        bool const literal = kind == json_kind::null || kind == json_kind::boolean;
        if (depth_ == 1)
            document.members_.push_back({key_, {kind, literal ? text : keep(text)}});
        else if (depth_ == 2 && in_error_)
            document.error_members_.push_back({error_key_, {kind, literal ? text : keep(text)}});
        if (depth_ > 1)
            write_scalar(kind, text);
        part_.clear();
        return count_value(ec);
    }

    void write_scalar(json_kind kind, std::string_view text)
    {
        separate();
        if (kind == json_kind::string)
            append_json_string(nested_, text);
        else
            nested_.append(text);
    }

    // Not without end: what is kept of a member takes more room than its text.
    bool count_member(error_code& ec)
    {
        bool const kept = depth_ == 1 || (depth_ == 2 && in_error_);
        return !kept || ++members_ <= most_members || config_error(ec);
    }

    bool count_value(error_code& ec) { return ++values_ <= most_values || config_error(ec); }

    std::size_t depth_ = 0;
    bool in_error_ = false;
    json_kind outer_kind_ = json_kind::absent;
    std::string_view text_;
    std::string_view key_;
    std::string_view error_key_;
    std::size_t members_ = 0;
    std::size_t values_ = 0;
    // The pieces of the string, name or number that is being read.
    secret part_;
    secret nested_;
};

std::optional<json_document> json_document::parse(std::string_view text)
{
    json::parse_options options;
    options.max_depth = deepest;
    json::basic_parser<handler> parser(options, text);
    error_code ec;
    std::size_t const used_bytes = parser.write_some(false, text.data(), text.size(), ec);
    if (ec || !parser.done() || used_bytes != text.size())
        return std::nullopt;
    auto& read = parser.handler().document;
    if (has_duplicate(read.members()) || has_duplicate(read.error_members()))
        return std::nullopt;
    return std::move(read);
}

json_value json_document::find(std::string_view name) const noexcept
{
    return find_among(members_, name);
}

json_value json_document::find_in_error(std::string_view name) const noexcept
{
    return find_among(error_members_, name);
}

} // namespace coauth::protocol

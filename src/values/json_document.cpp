#include "values/json_document.hpp"

#include "values/encoding.hpp"
#include "values/parse_double.hpp"
#include "values/wipe.hpp"

// The parser decodes escaped strings in a stack buffer of this size. If a string turns out to be
// invalid, the bytes stay there without being wiped, so that the buffer is kept small.
#define BOOST_JSON_STACK_BUFFER_SIZE 64
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace coauth::detail
{
namespace
{

namespace json = boost::json;
using boost::system::error_code;

constexpr std::size_t max_depth = 32;
constexpr std::size_t max_members = 1000;
// Limits the time of a parse, which blocks the event loop.
constexpr std::size_t max_values = 50'000;
// A list of short strings takes twenty times the memory of its text.
constexpr std::size_t max_list_size = std::size_t(64) * 1024;

json_value find_member(std::span<json_member const> members, std::string_view name) noexcept
{
    for (auto const& member : members)
        if (member.name == name)
            return member.value;
    return {};
}

// Parsers differ in which of two members with the same name they use.
bool has_duplicate(std::span<json_member const> members)
{
    constexpr std::size_t few = 16;
    if (members.size() <= few)
    {
        for (auto one = members.begin(); one != members.end(); ++one)
            for (auto other = members.begin(); other != one; ++other)
                if (one->name == other->name)
                    return true;
        return false;
    }
    std::vector<std::string_view> names;
    names.reserve(members.size());
    for (auto const& member : members)
        names.push_back(member.name);
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
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
    {
        std::vector<std::string> one;
        one.emplace_back(text); // an initializer list would copy it
        return one;
    }
    if (kind != json_kind::array || text.size() > max_list_size)
        return std::nullopt;
    error_code ec;
    auto const parsed = json::parse({text.data(), text.size()}, ec);
    if (ec || !parsed.is_array())
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

std::optional<std::vector<secret>> json_value::as_objects() const
{
    if (kind != json_kind::array)
        return std::nullopt;
    // Valid JSON without spaces, as the document wrote it: the elements end where the depth is 0.
    std::vector<secret> objects;
    std::size_t depth = 0;
    std::size_t begin = 1;
    bool in_string = false;
    auto const elements = text.substr(0, text.size() - 1);
    for (std::size_t i = begin; i < elements.size(); ++i)
    {
        char const c = elements[i];
        if (in_string)
        {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        }
        else if (depth == 0 && c == ',')
            begin = i + 1;
        else if (depth == 0 && c != '{')
            return std::nullopt;
        else if (c == '{' || c == '[')
            ++depth;
        else if (c == '}' || c == ']')
        {
            if (--depth == 0)
                objects.emplace_back(elements.substr(begin, i + 1 - begin));
        }
        else
            in_string = c == '"';
    }
    return objects;
}

std::optional<std::chrono::system_clock::time_point> json_value::as_time() const
{
    using clock = std::chrono::system_clock;
    constexpr auto latest =
        std::chrono::floor<std::chrono::seconds>(clock::duration::max()).count();
    if (kind != json_kind::number && kind != json_kind::string)
        return std::nullopt;
    auto const seconds = parse_double(text);
    if (!seconds || *seconds < 0)
        return std::nullopt;
    // A double represents every number of seconds below `latest` exactly.
    if (*seconds >= static_cast<double>(latest))
        return clock::time_point(std::chrono::seconds(latest));
    return clock::time_point(std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
}

// Receives the parser's events. Values below the members that are kept are written back as JSON
// text.
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
        wipe_on_exit const guard(*this, s);
        return add_part(s);
    }
    bool on_key(json::string_view s, std::size_t, error_code& ec)
    {
        wipe_on_exit const guard(*this, s);
        auto const name = complete_text(s);
        if (depth_ == 1)
            key_ = stored_view(name);
        else if (depth_ == 2 && in_error_)
            error_key_ = stored_view(name);
        if (depth_ > 1)
        {
            write_separator();
            append_json_string(nested_, name);
            nested_.append(':');
        }
        bool const fits = count_member(ec);
        part_.clear();
        return fits;
    }

    bool on_string_part(json::string_view s, std::size_t, error_code&)
    {
        wipe_on_exit const guard(*this, s);
        return add_part(s);
    }
    bool on_string(json::string_view s, std::size_t, error_code& ec)
    {
        wipe_on_exit const guard(*this, s);
        return scalar(json_kind::string, complete_text(s), ec);
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
    static bool fail(error_code& ec)
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
        return scalar(json_kind::number, complete_text(s), ec);
    }

    // All parts joined. Valid until the next string begins.
    std::string_view complete_text(json::string_view last)
    {
        if (part_.empty())
            return {last.data(), last.size()};
        add_part(last);
        return part_.view();
    }

    // True for strings without escapes, which the parser does not copy.
    [[nodiscard]] bool is_in_text(char const* data, std::size_t size) const
    {
        std::less_equal<> const before;
        return before(text_.data(), data) && before(data + size, text_.data() + text_.size());
    }

    // Wipes the parser's own buffer, which it does not read again.
    class wipe_on_exit
    {
    public:
        wipe_on_exit(handler const& owner, json::string_view part) : owner_(owner), part_(part) {}
        ~wipe_on_exit()
        {
            if (!owner_.is_in_text(part_.data(), part_.size()))
                wipe(const_cast<char*>(part_.data()), part_.size());
        }
        wipe_on_exit(wipe_on_exit const&) = delete;
        wipe_on_exit& operator=(wipe_on_exit const&) = delete;

    private:
        handler const& owner_;
        json::string_view const part_;
    };

    // A view that is valid as long as the document.
    std::string_view stored_view(std::string_view view)
    {
        if (is_in_text(view.data(), view.size()))
            return view;
        return document.owned_text_.emplace_back(view).view();
    }

    // Writes a comma between two values, but not after an opening bracket or a name.
    void write_separator()
    {
        auto const written = nested_.view();
        if (!written.empty() &&
            std::string_view("{[:").find(written.back()) == std::string_view::npos)
            nested_.append(',');
    }

    bool open(char bracket, json_kind kind, error_code& ec)
    {
        if (depth_ == 0)
            return fail(ec);
        if (depth_++ == 1)
            top_level_kind_ = kind;
        else
            write_separator();
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
        // Moved, not copied: it may be most of the document.
        auto const& text = document.owned_text_.emplace_back(std::exchange(nested_, {}));
        document.members_.push_back({key_, {top_level_kind_, text.view()}});
        return true;
    }

    bool scalar(json_kind kind, std::string_view text, error_code& ec)
    {
        if (depth_ == 0)
            return fail(ec);
        bool const literal = kind == json_kind::null || kind == json_kind::boolean;
        if (depth_ == 1)
            document.members_.push_back({key_, {kind, literal ? text : stored_view(text)}});
        else if (depth_ == 2 && in_error_)
            document.error_members_.push_back(
                {error_key_, {kind, literal ? text : stored_view(text)}});
        if (depth_ > 1)
            write_scalar(kind, text);
        part_.clear();
        return count_value(ec);
    }

    void write_scalar(json_kind kind, std::string_view text)
    {
        write_separator();
        if (kind == json_kind::string)
            append_json_string(nested_, text);
        else
            nested_.append(text);
    }

    // A member that is kept takes more memory than its text.
    bool count_member(error_code& ec)
    {
        bool const kept = depth_ == 1 || (depth_ == 2 && in_error_);
        return !kept || ++members_ <= max_members || fail(ec);
    }

    bool count_value(error_code& ec) { return ++values_ <= max_values || fail(ec); }

    std::size_t depth_ = 0;
    bool in_error_ = false;
    json_kind top_level_kind_ = json_kind::absent;
    std::string_view text_;
    std::string_view key_;
    std::string_view error_key_;
    std::size_t members_ = 0;
    std::size_t values_ = 0;
    // The parts so far of the current string, name or number.
    secret part_;
    secret nested_;
};

std::optional<json_document> json_document::parse(std::string_view text)
{
    json::parse_options options;
    options.max_depth = max_depth;
    json::basic_parser<handler> parser(options, text);
    error_code ec;
    std::size_t const consumed = parser.write_some(false, text.data(), text.size(), ec);
    if (ec || !parser.done() || consumed != text.size())
        return std::nullopt;
    auto& document = parser.handler().document;
    if (has_duplicate(document.members()) || has_duplicate(document.error_members()))
        return std::nullopt;
    return std::move(document);
}

json_value json_document::find(std::string_view name) const noexcept
{
    return find_member(members_, name);
}

json_value json_document::find_in_error(std::string_view name) const noexcept
{
    return find_member(error_members_, name);
}

} // namespace coauth::detail

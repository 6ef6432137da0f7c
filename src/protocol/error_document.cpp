#include "protocol/error_document.hpp"

#include "values/encoding.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>

namespace coauth::protocol
{
namespace
{

// Names are written in lower case, without punctuation. The first ones take precedence.
constexpr std::array<std::string_view, 36> description_names = {
    "errordescription",
    "errordesc",
    "errormessage",
    "errormsg",
    "errmsg",
    "message",
    "msg",
    "errormessages",
    "messages",
    "errorsummary",
    "faultstring",
    "usermessage",
    "detail",
    "details",
    "errordetail",
    "errordetails",
    "description",
    "desc",
    "reason",
    "errorreason",
    "errortext",
    "error",
    "statusmessage",
    "statustext",
    "statusdescription",
    "resultmessage",
    "resultmsg",
    "retmsg",
    "submsg",
    "title",
    "errortitle",
    "errors",
    "nonfielderrors",
    "developermessage",
    "text",
    "hint"};

constexpr std::array<std::string_view, 14> code_names = {
    "error",     "errorcode", "errcode", "errorid",   "type",       "errortype", "subcode",
    "faultcode", "code",      "status",  "errorname", "resultcode", "retcode",   "name"};

constexpr std::array<std::string_view, 9> uri_names = {"erroruri",         "uri",    "moreinfo",
                                                       "documentationurl", "docurl", "helpurl",
                                                       "helplink",         "type",   "link"};

constexpr std::array<std::string_view, 9> number_names = {
    "errorcodes", "code",   "errorcode", "errcode",   "errornumber",
    "errno",      "number", "retcode",   "resultcode"};

// Members that contain the text of a description in another language or type.
constexpr std::array<std::string_view, 5> text_names = {
    "value", "text", "message", "default", "en"};

// A time to wait, with the length of its unit where it is a number.
struct wait_name
{
    std::string_view name;
    bool milliseconds = false;
};
constexpr std::array<wait_name, 7> wait_names = {
    {{"retryafterms", true},
     {"retryaftermilliseconds", true},
     {"retryafter"},
     {"retryafterseconds"},
     {"retryaftersec"},
     {"retrydelay"},
     {"waitseconds"}}};

constexpr std::size_t max_objects = 32;
constexpr int max_array_elements = 8;

// Compares without case, underscores and other punctuation. `name` is in lower case.
bool is_named(std::string_view member, std::string_view name) noexcept
{
    auto const alphanumeric = [](char c)
    { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    for (char const c : member)
    {
        if (!alphanumeric(c))
            continue;
        if (name.empty() || detail::lower(c) != name.front())
            return false;
        name.remove_prefix(1);
    }
    return name.empty();
}

std::optional<std::int64_t> parse_integer(detail::json_value value)
{
    if (value.kind != detail::json_kind::number && value.kind != detail::json_kind::string)
        return std::nullopt;
    std::int64_t number = 0;
    auto const end = value.text.data() + value.text.size();
    auto const [stop, failure] = std::from_chars(value.text.data(), end, number);
    if (failure != std::errc() || stop != end)
        return std::nullopt;
    return number;
}

// Joins the strings of an array.
secret join_strings(std::string_view array)
{
    secret joined;
    for (auto const& text :
         detail::json_value{detail::json_kind::array, array}.as_strings().value_or(
             std::vector<std::string>()))
        if (!text.empty())
            joined.append(joined.empty() ? "" : "; ").append(text);
    return joined;
}

// Reads one object. Keeps the parts that were found in an object before.
class object_reader
{
public:
    object_reader(
        error_document& result, std::span<detail::json_member const> members, unsigned http_status)
        : result_(result)
        , members_(members)
        , http_status_(http_status)
    {
    }

    void read()
    {
        read_flags();
        if (result_.code.empty())
            read_code();
        if (result_.description.empty())
            read_description();
        if (result_.uri.empty())
            read_uri();
        if (!result_.number)
            read_number();
        if (result_.wait.empty())
            read_wait();
    }

private:
    [[nodiscard]] detail::json_value find(std::string_view name) const
    {
        // The exact spelling takes precedence: `error` before `Error`.
        for (auto const& member : members_)
            if (member.name == name)
                return member.value;
        for (auto const& member : members_)
            if (is_named(member.name, name))
                return member.value;
        return {};
    }

    void read_flags()
    {
        for (std::string_view const name : {"ok", "success", "succeeded", "issuccess"})
        {
            auto const value = find(name);
            result_.is_error |= value.text == "false" || value.text == "0";
        }
        for (std::string_view const name : {"error", "errors", "fault"})
            result_.is_error |= is_something(find(name));
        for (std::string_view const name : {"status", "result", "outcome"})
            result_.is_error |= is_failure(find(name).as_string().value_or(std::string_view()));
        for (std::string_view const name : {"statuscode", "httpstatus", "status"})
            if (auto const status = parse_integer(find(name)); status && *status >= 400)
                result_.is_error |= *status != static_cast<std::int64_t>(http_status_);
    }

    // `true`, or an object or array with members.
    static bool is_something(detail::json_value value)
    {
        if (value.kind == detail::json_kind::boolean)
            return value.text == "true";
        bool const nested =
            value.kind == detail::json_kind::object || value.kind == detail::json_kind::array;
        return nested && value.text.find_first_not_of("[]{} \t\r\n") != std::string_view::npos;
    }

    static bool is_failure(std::string_view outcome)
    {
        for (std::string_view const word : {"error", "fail", "failed", "failure"})
            if (detail::equal_ignoring_case(outcome, word))
                return true;
        return false;
    }

    // Another code takes precedence over an `error` that is a sentence.
    void read_code()
    {
        std::string_view sentence;
        for (auto const name : code_names)
        {
            auto const code = find(name).as_string().value_or(std::string_view());
            bool const is_url = code.find(':') != std::string_view::npos && name == "type";
            if (code.empty() || is_url || !detail::is_printable_ascii(code))
                continue;
            if (!is_sentence(code) && !is_number_or_outcome(code))
                return set_code(name, code);
            if (name == "error" && sentence.empty())
                sentence = code;
        }
        if (!sentence.empty())
            set_code("error", sentence);
    }

    // Documents without an error have members such as `type`, too.
    void set_code(std::string_view name, std::string_view code)
    {
        result_.code = secret(code);
        result_.is_error |= name.starts_with("err") || name.starts_with("fault");
    }

    // Values of `code` and `status` that name no error.
    static bool is_number_or_outcome(std::string_view code)
    {
        constexpr std::array<std::string_view, 4> outcomes = {"ok", "success", "true", "false"};
        bool const digits =
            std::all_of(code.begin(), code.end(), [](char c) { return c >= '0' && c <= '9'; });
        return digits || is_failure(code) ||
               std::any_of(
                   outcomes.begin(), outcomes.end(), [&](std::string_view outcome)
                   { return detail::equal_ignoring_case(code, outcome); });
    }

    void read_description()
    {
        for (auto const name : description_names)
        {
            auto const value = find(name);
            bool const has_own_members =
                value.kind == detail::json_kind::object && name.starts_with("error");
            auto text = has_own_members ? secret() : description_text(value);
            // A code is not a description.
            bool const is_code = name == "error" && value.kind == detail::json_kind::string &&
                                 (text.view() == result_.code.view() && !is_sentence(text.view()));
            if (text.empty() || is_code)
                continue;
            result_.description = std::move(text);
            return;
        }
    }

    static secret description_text(detail::json_value value)
    {
        if (value.kind == detail::json_kind::string)
            return secret(value.text);
        if (value.kind == detail::json_kind::array)
            return join_strings(value.text);
        if (value.kind != detail::json_kind::object)
            return {};
        auto const object = detail::json_document::parse(value.text);
        for (auto const name : text_names)
            if (auto const text = object ? object->find(name).as_string() : std::nullopt;
                text && !text->empty())
                return secret(*text);
        return {};
    }

    void read_uri()
    {
        for (auto const name : uri_names)
        {
            auto const text = find(name).as_string().value_or(std::string_view());
            bool const is_uri = name == "erroruri" || name == "uri" ||
                                (text.find(':') != std::string_view::npos &&
                                 text.find(' ') == std::string_view::npos && text != "about:blank");
            if (text.empty() || !is_uri)
                continue;
            result_.uri = secret(text);
            return;
        }
    }

    void read_number()
    {
        for (auto const name : number_names)
        {
            auto value = find(name);
            if (value.kind == detail::json_kind::array && name == "errorcodes")
                value = {detail::json_kind::number, first_element(value.text)};
            auto const number = parse_integer(value);
            if (!number)
                continue;
            result_.number = number;
            result_.is_error |= *number != 0 && *number != static_cast<std::int64_t>(http_status_);
            return;
        }
    }

    void read_wait()
    {
        for (auto const& [name, milliseconds] : wait_names)
        {
            auto const value = find(name);
            if (value.kind != detail::json_kind::number && value.kind != detail::json_kind::string)
                continue;
            result_.wait = std::string(value.text);
            if (milliseconds)
                result_.wait += "ms";
            return;
        }
    }

    error_document& result_;
    std::span<detail::json_member const> members_;
    unsigned http_status_;
};

// The objects of a document, the outer ones first.
class object_list
{
public:
    explicit object_list(detail::json_document const& top)
    {
        objects_.push_back(&top);
        for (std::size_t level = 0, begin = 0; level < 2; ++level)
            for (std::size_t const end = objects_.size(); begin < end; ++begin)
                add_nested(*objects_[begin]);
    }

    [[nodiscard]] std::deque<detail::json_document const*> const& objects() const
    {
        return objects_;
    }

private:
    // `error` and the like first.
    void add_nested(detail::json_document const& object)
    {
        for (bool const named : {true, false})
            for (auto const& member : object.members())
                if (is_error_name(member.name) == named)
                    add(member.value);
    }

    static bool is_error_name(std::string_view name)
    {
        for (std::string_view const error_name : {"error", "errors", "fault"})
            if (is_named(name, error_name))
                return true;
        return false;
    }

    void add(detail::json_value value)
    {
        if (value.kind == detail::json_kind::object)
            return add_object(value.text);
        if (value.kind != detail::json_kind::array)
            return;
        auto rest = value.text;
        for (int i = 0; i < max_array_elements; ++i)
        {
            auto const element = first_element(rest);
            if (element.empty())
                return;
            if (element.find_first_not_of(" \t\r\n") == element.find('{'))
                add_object(element);
            // What is left begins with the comma.
            rest.remove_prefix(
                static_cast<std::size_t>(element.data() + element.size() - rest.data()));
        }
    }

    void add_object(std::string_view text)
    {
        if (objects_.size() == max_objects)
            return;
        auto document = detail::json_document::parse(text);
        if (!document)
            return;
        owned_.push_back(std::move(*document));
        objects_.push_back(&owned_.back());
    }

    std::deque<detail::json_document> owned_;
    std::deque<detail::json_document const*> objects_;
};

// Without a known name: the first string that is a sentence, also in an array.
secret find_sentence(object_list const& list)
{
    for (auto const* const object : list.objects())
        for (auto const& member : object->members())
        {
            secret text;
            if (is_secret_name(member.name))
                continue;
            if (member.value.kind == detail::json_kind::string)
                text.append(member.value.text);
            else if (member.value.kind == detail::json_kind::array)
                text = join_strings(member.value.text);
            if (is_sentence(text.view()))
                return text;
        }
    return {};
}

} // namespace

bool is_secret_name(std::string_view name) noexcept
{
    for (std::string_view const word : {"token", "secret", "password", "assertion", "credential"})
        if (std::search(
                name.begin(), name.end(), word.begin(), word.end(),
                [](char x, char y) { return detail::lower(x) == y; }) != name.end())
            return true;
    return false;
}

std::string_view first_element(std::string_view array) noexcept
{
    if (array.size() < 3)
        return {};
    array.remove_prefix(1);
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < array.size(); ++i)
    {
        char const c = array[i];
        if (in_string && c == '\\')
            ++i;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && depth == 0 && (c == ',' || c == ']'))
            return array.substr(0, i);
        else if (!in_string && (c == '[' || c == '{'))
            ++depth;
        else if (!in_string && (c == ']' || c == '}'))
            --depth;
    }
    return {};
}

bool is_sentence(std::string_view text) noexcept
{
    auto const begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos)
        return false;
    text = text.substr(begin, text.find_last_not_of(' ') - begin + 1);
    bool const one_word =
        std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    bool const capital = text.front() >= 'A' && text.front() <= 'Z';
    return text.find(' ') != std::string_view::npos || (capital && one_word && text.size() > 1);
}

error_document read_error_document(detail::json_document const& document, unsigned http_status)
{
    error_document result;
    object_list const list(document);
    for (auto const* const object : list.objects())
        object_reader(result, object->members(), http_status).read();
    bool const success = http_status >= 200 && http_status < 300;
    if (result.description.empty() && !success)
        result.description = find_sentence(list);
    return result;
}

error_document
read_error_members(std::span<detail::json_member const> members, unsigned http_status)
{
    error_document result;
    object_reader(result, members, http_status).read();
    return result;
}

} // namespace coauth::protocol

#include "net/pem_bundle.hpp"

#include "values/make_error.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coauth::net
{
namespace
{

constexpr std::string_view dashes = "-----";

// A BEGIN or END marker, or a damaged one.
struct marker
{
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string_view label;
    bool is_begin = false;
    bool damaged = false;
};

bool is_label_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '#';
}

// The marker whose word, "BEGIN " or "END ", is at `word`.
marker read_marker(std::string_view text, std::size_t word, bool is_begin)
{
    auto const label_begin = word + (is_begin ? 6 : 4);
    auto label_end = label_begin;
    while (label_end < text.size() && is_label_character(text[label_end]))
        ++label_end;
    marker found;
    found.label = text.substr(label_begin, label_end - label_begin);
    found.is_begin = is_begin;
    found.damaged = word < dashes.size() ||
                    text.substr(word - dashes.size(), dashes.size()) != dashes ||
                    text.substr(label_end, dashes.size()) != dashes;
    found.begin = word;
    while (found.begin != 0 && word - found.begin < dashes.size() && text[found.begin - 1] == '-')
        --found.begin;
    found.end = std::min(text.size(), label_end + dashes.size());
    return found;
}

// The next marker; its `begin` is npos if there is none. A word without a dash before it is text.
// Markers that are glued may share their dashes.
marker find_marker(std::string_view text, std::size_t from)
{
    from -= from == 0 ? 0 : 1;
    for (auto dash = text.find('-', from); dash != std::string_view::npos;
         dash = text.find('-', dash + 1))
    {
        auto const rest = text.substr(dash + 1);
        if (rest.starts_with("BEGIN "))
            return read_marker(text, dash + 1, true);
        if (rest.starts_with("END "))
            return read_marker(text, dash + 1, false);
    }
    marker none;
    none.begin = std::string_view::npos;
    return none;
}

// Counts each line once: bundles are long.
class line_counter
{
public:
    explicit line_counter(std::string_view text) : text_(text) {}

    // The line of a position, from 1. Positions must ascend.
    std::size_t line_of(std::size_t position)
    {
        auto const next = text_.substr(counted_, position - counted_);
        line_ += static_cast<std::size_t>(std::count(next.begin(), next.end(), '\n'));
        counted_ = position;
        return line_;
    }

private:
    std::string_view text_;
    std::size_t counted_ = 0;
    std::size_t line_ = 1;
};

error damaged(std::string const& name, std::size_t line, std::string_view what)
{
    return detail::config_error(
        name + " is damaged at line " + std::to_string(line) + ": " + std::string(what) +
        "; give the whole file");
}

// Without white space, and "\n" as two characters, as environment variables and JSON have it.
std::string compact(std::string_view body)
{
    std::string compacted;
    compacted.reserve(body.size());
    for (std::size_t i = 0; i < body.size(); ++i)
    {
        if (std::strchr(" \t\r\n\f\v", body[i]) != nullptr)
            continue;
        if (body[i] == '\\' && i + 1 < body.size() && (body[i + 1] == 'n' || body[i + 1] == 'r'))
            ++i;
        else
            compacted += body[i];
    }
    return compacted;
}

std::string normalize(std::string_view label, std::string_view body)
{
    // OpenSSL reads lines of limited length.
    constexpr std::size_t line_length = 64;
    auto const marked = [&](char const* word)
    { return std::string(dashes) + word + std::string(label) + std::string(dashes) + "\n"; };
    auto const base64 = compact(body);
    auto text = marked("BEGIN ");
    for (std::size_t i = 0; i < base64.size(); i += line_length)
        text += base64.substr(i, line_length) + "\n";
    return text + marked("END ");
}

} // namespace

result<std::vector<pem_block>> split_pem(std::string_view text, std::string const& name)
{
    std::vector<pem_block> blocks;
    line_counter lines(text);
    for (auto begin = find_marker(text, 0); begin.begin != std::string_view::npos;)
    {
        auto const line = lines.line_of(begin.begin);
        if (begin.damaged)
            return damaged(name, line, "a marker has not five dashes on both sides");
        if (!begin.is_begin)
            return damaged(name, line, "an END marker has no BEGIN before it");
        auto const end = find_marker(text, begin.end);
        if (end.begin == std::string_view::npos)
            return damaged(name, line, "the block that begins there does not end");
        if (end.damaged)
            return damaged(
                name, lines.line_of(end.begin), "a marker has not five dashes on both sides");
        if (end.is_begin || end.label != begin.label)
            return damaged(name, line, "the block that begins there does not end before the next");
        auto const body = text.substr(begin.end, std::max(begin.end, end.begin) - begin.end);
        blocks.push_back({std::string(begin.label), line, normalize(begin.label, body)});
        begin = find_marker(text, end.end);
    }
    return blocks;
}

error damaged_block(pem_block const& block, std::string const& name)
{
    return damaged(name, block.line, "the block that begins there cannot be read");
}

} // namespace coauth::net

#include "crypto/pem_bundle.hpp"

#include "values/make_error.hpp"

#include <algorithm>
#include <utility>

namespace coauth::crypto
{
namespace
{

constexpr std::string_view five_dashes = "-----";

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
    found.damaged = word < five_dashes.size() ||
                    text.substr(word - five_dashes.size(), five_dashes.size()) != five_dashes ||
                    text.substr(label_end, five_dashes.size()) != five_dashes;
    found.begin = word;
    while (found.begin != 0 && word - found.begin < five_dashes.size() &&
           text[found.begin - 1] == '-')
        --found.begin;
    found.end = std::min(text.size(), label_end + five_dashes.size());
    return found;
}

// True if the text before a word ends with a hyphen, or with another dash or spaces after a hyphen
// where a certificate's marker follows: word processors make those of hyphens.
bool has_dash_before(std::string_view text, std::size_t word)
{
    auto before = text.substr(0, word);
    if (before.ends_with('-'))
        return true;
    auto const label = text.substr(text.find(' ', word) + 1);
    bool const certificate = label.starts_with("CERTIFICATE") || label.starts_with("X509") ||
                             label.starts_with("TRUSTED CERTIFICATE");
    while (before.ends_with(' '))
        before.remove_suffix(1);
    // U+2010 to U+2015.
    bool const other_dash = before.size() > 2 && before[before.size() - 3] == '\xe2' &&
                            before[before.size() - 2] == '\x80' && before.back() >= '\x90' &&
                            before.back() <= '\x95';
    return certificate && (before.ends_with('-') || other_dash);
}

// The next marker; its `begin` is npos if there is none. A word without a dash before it is text.
// Markers that are glued may share their dashes.
marker find_marker(std::string_view text, std::size_t from)
{
    // Base64 has no space, and many letters of the words.
    for (auto space = text.find(' ', from); space != std::string_view::npos;
         space = text.find(' ', space + 1))
    {
        auto const before = text.substr(from, space - from);
        bool const is_begin = before.ends_with("BEGIN");
        if (!is_begin && !before.ends_with("END"))
            continue;
        auto const word = space - (is_begin ? 5 : 3);
        if (has_dash_before(text, word))
            return read_marker(text, word, is_begin);
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

bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

// Without white space, and "\n" as two characters, as environment variables and JSON have it.
std::string compact(std::string_view body)
{
    std::string compacted;
    compacted.reserve(body.size());
    for (char const c : body)
    {
        if (is_space(c))
            continue;
        if ((c == 'n' || c == 'r') && compacted.ends_with('\\'))
            compacted.pop_back();
        else
            compacted += c;
    }
    return compacted;
}

} // namespace

std::string pem_text(pem_block const& block)
{
    // OpenSSL reads lines of limited length.
    constexpr std::size_t line_length = 64;
    auto const marked = [&](char const* word)
    { return std::string(five_dashes) + word + block.label + std::string(five_dashes) + "\n"; };
    auto text = marked("BEGIN ");
    for (std::size_t i = 0; i < block.base64.size(); i += line_length)
        text.append(block.base64, i, line_length) += '\n';
    return text + marked("END ");
}

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
        // No copy of a private key, which would stay in freed memory.
        bool const is_key = begin.label.ends_with("KEY");
        blocks.push_back({std::string(begin.label), line, is_key ? std::string() : compact(body)});
        begin = find_marker(text, end.end);
    }
    return blocks;
}

error damaged_block(pem_block const& block, std::string const& name)
{
    return damaged(name, block.line, "the block that begins there cannot be read");
}

} // namespace coauth::crypto

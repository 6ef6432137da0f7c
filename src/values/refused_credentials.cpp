#include "values/refused_credentials.hpp"

#include "values/encoding.hpp"

#include <algorithm>
#include <array>

namespace coauth::detail
{
namespace
{

enum class word_kind
{
    // Ends the search: the text means something else.
    other,
    // "not", "denied".
    refusal,
    // "invalid", "wrong".
    invalidity,
    // "client", "secret".
    credential,
    // "unauthenticated": both of them.
    refused_credential,
    // "id", "the".
    filler,
};

template <std::size_t N>
bool contains(std::array<std::string_view, N> const& words, std::string_view word)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Also said of somebody who is known, but lacks a permission.
constexpr std::array<std::string_view, 24> refusals = {
    "blocked",    "cannot",       "deleted",      "denied",       "disabled",   "error",
    "fail",       "failed",       "fails",        "failure",      "illegal",    "inactive",
    "incomplete", "missing",      "no",           "not",          "refused",    "rejected",
    "suspended",  "unrecognised", "unrecognized", "unregistered", "unverified", "without"};

// Said of credentials alone.
constexpr std::array<std::string_view, 9> invalidities = {
    "bad", "expired", "incorrect", "invalid", "mismatch", "revoked", "unable", "unknown", "wrong"};

constexpr std::array<std::string_view, 29> credentials = {
    "api",          "apikey",     "app",        "appid",        "application",   "appsecret",
    "assertion",    "auth",       "authed",     "authenticate", "authenticated", "authentication",
    "authorised",   "authorized", "basic",      "certificate",  "client",        "clientid",
    "clientsecret", "consumer",   "credential", "credentials",  "key",           "login",
    "password",     "secret",     "signature",  "user",         "username"};

constexpr std::array<std::string_view, 5> refused_credentials = {
    "noauth", "unauth", "unauthenticated", "unauthorised", "unauthorized"};

constexpr std::array<std::string_view, 49> fillers = {
    "a",         "an",         "and",        "are",       "authenticating",
    "be",        "been",       "code",       "correct",   "could",
    "details",   "did",        "does",       "exception", "for",
    "found",     "given",      "has",        "header",    "http",
    "id",        "identifier", "is",         "keys",      "match",
    "name",      "oauth",      "occurred",   "of",        "or",
    "pass",      "please",     "provide",    "provided",  "required",
    "specified", "supplied",   "the",        "this",      "to",
    "token",     "valid",      "validating", "verify",    "verifying",
    "was",       "were",       "you",        "your"};

word_kind kind_of_word(std::string_view word)
{
    if (contains(refusals, word))
        return word_kind::refusal;
    if (contains(invalidities, word))
        return word_kind::invalidity;
    if (contains(credentials, word))
        return word_kind::credential;
    if (contains(refused_credentials, word))
        return word_kind::refused_credential;
    return contains(fillers, word) ? word_kind::filler : word_kind::other;
}

bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

// A word in lower case.
struct word
{
    [[nodiscard]] std::string_view view() const { return {letters.data(), size}; }
    std::array<char, 16> letters = {};
    std::size_t size = 0;
};

// Removes the next word: letters up to another character, or up to a capital after a small letter.
word next_word(std::string_view& text)
{
    text.remove_prefix(
        static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_letter) - text.begin()));
    word found;
    while (!text.empty() && is_letter(text.front()))
    {
        char const letter = text.front();
        // No known word is longer.
        if (found.size < found.letters.size())
            found.letters[found.size++] = lower(letter);
        text.remove_prefix(1);
        if (!is_upper(letter) && !text.empty() && is_upper(text.front()))
            break;
    }
    return found;
}

} // namespace

refusal_meaning meaning_of_refusal(std::string_view text) noexcept
{
    constexpr std::size_t max_text = 200;
    if (text.size() > max_text)
        return refusal_meaning::other;
    bool refusal = false;
    bool invalid = false;
    bool credential = false;
    for (auto next = next_word(text); next.size != 0; next = next_word(text))
    {
        auto const kind = kind_of_word(next.view());
        if (kind == word_kind::other)
            return refusal_meaning::other;
        invalid |= kind == word_kind::invalidity;
        refusal |= kind == word_kind::refusal || kind == word_kind::refused_credential;
        credential |= kind == word_kind::credential || kind == word_kind::refused_credential;
    }
    if (!credential || (!refusal && !invalid))
        return refusal_meaning::other;
    return invalid ? refusal_meaning::invalid_credentials : refusal_meaning::refused_credentials;
}

} // namespace coauth::detail

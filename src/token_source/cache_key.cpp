#include "token_source/cache_key.hpp"

#include <algorithm>
#include <vector>

namespace coauth::detail
{
namespace
{

template <class Text>
void append_field_to(Text& key, std::string_view text)
{
    key.append(std::to_string(text.size())).append(":").append(text);
}

void append_set(std::string& key, std::vector<std::string_view>& words)
{
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    key.append(std::to_string(words.size())).append(1, ';');
    for (auto const word : words)
        append_field_to(key, word);
}

} // namespace

void append_field(std::string& key, std::string_view text)
{
    append_field_to(key, text);
}

void append_cache_key(
    std::string& key, std::uint64_t fetcher, token_request const& request,
    std::string_view grant_fingerprint)
{
    key.append(std::to_string(fetcher)).append(1, ';');
    append_request_key(key, request, grant_fingerprint);
}

void append_request_key(
    std::string& key, token_request const& request, std::string_view grant_fingerprint)
{
    std::vector<std::string_view> words;
    for (std::string_view rest = request.scope(); !rest.empty();)
    {
        auto const word = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        if (!word.empty())
            words.push_back(word);
    }
    append_set(key, words);
    words.assign(request.resources().begin(), request.resources().end());
    append_set(key, words);
    words.assign(request.audiences().begin(), request.audiences().end());
    append_set(key, words);
    append_field(key, request.authorization_details());
    for (auto const& [name, value] : request.parameters())
    {
        append_field(key, name);
        append_field(key, value);
    }
    if (request.grant() != nullptr)
        append_field(key, grant_fingerprint);
}

secret grant_content(token_grant const& grant)
{
    secret content;
    append_field_to(content, grant.type);
    for (auto const& [name, value] : grant.parameters)
    {
        append_field_to(content, name);
        append_field_to(content, value.view());
    }
    return content;
}

} // namespace coauth::detail

#include "token_store/redis_command.hpp"

#include "values/wipe.hpp"

#include <cstddef>
#include <hiredis/hiredis.h>
#include <memory>
#include <new>
#include <vector>

namespace coauth::redis
{

commands& commands::add(std::initializer_list<std::string_view> words)
{
    if (asking)
    {
        bytes.append("*1\r\n$6\r\nASKING\r\n");
        ++replies;
    }
    std::vector<char const*> texts;
    std::vector<std::size_t> sizes;
    for (auto const word : words)
    {
        texts.push_back(word.empty() ? "" : word.data());
        sizes.push_back(word.size());
    }
    char* formatted = nullptr;
    auto const size = redisFormatCommandArgv(
        &formatted, static_cast<int>(words.size()), texts.data(), sizes.data());
    if (size < 0)
        throw std::bad_alloc();
    auto const wipe_and_free = [size](char* text)
    {
        detail::wipe(text, static_cast<std::size_t>(size));
        redisFreeCommand(text);
    };
    std::unique_ptr<char, decltype(wipe_and_free)> const owned(formatted, wipe_and_free);
    bytes.append({formatted, static_cast<std::size_t>(size)});
    ++replies;
    return *this;
}

} // namespace coauth::redis

#include "token_store/key_ring.hpp"

#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <algorithm>
#include <utility>

namespace coauth::detail
{
namespace
{

constexpr std::size_t max_id_size = 32;
constexpr std::string_view blanks = " \t\r\f\v";

std::string_view trim(std::string_view text)
{
    auto const begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

error line_error(std::size_t line, char const* reason)
{
    return config_error(
        "line " + std::to_string(line) + " of the keys for shared tokens " + reason);
}

// A key that somebody typed in place of a random one.
bool is_of_one_byte(secret const& key)
{
    auto const bytes = key.view();
    return std::all_of(bytes.begin(), bytes.end(), [&](char c) { return c == bytes.front(); });
}

// Of the key itself, but of no use to find it.
result<std::string> derived_id(secret const& key)
{
    auto const code = crypto::hmac(signature_algorithm::hs256, key, "coauth key id");
    if (!code)
        return code.error();
    return base64url(code->view().substr(0, 6));
}

result<record_key> make_key(std::string id, secret const& key)
{
    record_key made;
    made.id = std::move(id);
    auto sealing = crypto::hmac(signature_algorithm::hs256, key, "coauth record 1");
    auto digest = crypto::hmac(signature_algorithm::hs256, key, "coauth token digest 1");
    if (!sealing || !digest)
        return sealing ? digest.error() : sealing.error();
    made.sealing = std::move(*sealing);
    made.digest = std::move(*digest);
    return made;
}

// "id:base64" or "base64".
result<record_key> read_line(std::size_t number, std::string_view line)
{
    auto const colon = line.find(':');
    bool const has_id = colon != std::string_view::npos;
    auto const id = has_id ? trim(line.substr(0, colon)) : std::string_view();
    if (has_id && !key_ring::is_id(id))
        return line_error(
            number,
            "has no valid id before its colon: use 1 to 32 characters of A-Z a-z 0-9 . _ -");
    auto const key = decode_base64(trim(has_id ? line.substr(colon + 1) : line));
    if (key.size() != crypto::aes_key_size)
        return line_error(
            number, "is no key of 32 bytes in base64: make one with `openssl rand -base64 32`");
    if (is_of_one_byte(key))
        return line_error(
            number, "is a key that anybody can guess: make one with `openssl rand -base64 32`");
    auto name = has_id ? result<std::string>(std::string(id)) : derived_id(key);
    if (!name)
        return name.error();
    return make_key(std::move(*name), key);
}

} // namespace

bool key_ring::is_id(std::string_view id) noexcept
{
    return !id.empty() && id.size() <= max_id_size &&
           std::all_of(
               id.begin(), id.end(),
               [](char c)
               {
                   return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
               });
}

result<key_ring> key_ring::parse(std::string_view text)
{
    key_ring ring;
    for (std::size_t number = 1; !text.empty(); ++number)
    {
        auto const end = std::min(text.find('\n'), text.size());
        auto const line = trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#')
            continue;
        auto key = read_line(number, line);
        if (!key)
            return key.error();
        if (ring.find(key->id) != nullptr)
            return line_error(
                number, "has the id of a line before: give each key an id of its own");
        ring.keys_.push_back(std::move(*key));
    }
    if (ring.keys_.empty())
        return config_error("the keys for shared tokens are empty: there is no default key; make "
                            "one with `openssl rand -base64 32`");
    return ring;
}

record_key const* key_ring::find(std::string_view id) const noexcept
{
    auto const found = std::find_if(
        keys_.begin(), keys_.end(), [&](record_key const& key) { return key.id == id; });
    return found == keys_.end() ? nullptr : &*found;
}

} // namespace coauth::detail

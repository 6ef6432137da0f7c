#include "token_store/record.hpp"

#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "token_store/record_text.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

// A record: the digest of its token, a version, the id of its key, and a sealed text. All before
// the sealed text is authenticated with it, and so is the name under which it is stored.

namespace coauth::detail
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char version = 1;
// Clocks of machines may differ, but not by more. It bounds how long a record that somebody has
// copied can be put back.
constexpr std::chrono::hours max_clock_difference{24};
constexpr milliseconds max_life = std::chrono::hours(24 * 365);
constexpr milliseconds max_rounding{1000};

constexpr unsigned has_token = 1;
constexpr unsigned has_failure = 2;
constexpr unsigned is_unshareable = 4;

error unusable(std::string reason)
{
    return make_error(errc::malformed_response, "the stored record " + std::move(reason));
}

std::string additional_data(std::string_view name, std::string_view head)
{
    return "coauth record " + std::to_string(name.size()) + ':' + std::string(name) +
           std::string(head);
}

result<std::string>
token_digest(record_key const& key, std::string_view name, access_token const& token)
{
    secret text(name);
    text.append('\0').append(token.value());
    auto const code = crypto::hmac(signature_algorithm::hs256, key.digest, text.view());
    if (!code)
        return code.error();
    return std::string(code->view().substr(0, record_digest_size));
}

void write_token(record_writer& out, access_token const& token, clock_pair now)
{
    auto const age = std::max<std::chrono::nanoseconds>(
        std::chrono::nanoseconds(0), between(token.requested_at_steady(), now.steady));
    out.text(token.value());
    out.text(token.token_type());
    out.text(token.scope());
    out.number(static_cast<std::uint64_t>(saturating_cast<milliseconds>(age).count()));
    auto const lifetime = token.lifetime();
    auto const longest = seconds(max_life.count() - 1);
    out.number(lifetime ? static_cast<std::uint64_t>(std::min(*lifetime, longest).count()) + 1 : 0);
    out.number(token.http_status());
    auto const& members = token.members();
    auto const shared = [](token_member const& one) { return one.name != "refresh_token"; };
    out.number(static_cast<std::uint64_t>(std::count_if(members.begin(), members.end(), shared)));
    for (auto const& one : members)
        if (shared(one))
        {
            out.text(one.name);
            out.text(one.json.view());
        }
}

// False: it is no token that an Authorization field could carry.
bool read_token(record_reader& in, access_token& token, clock_pair now, milliseconds record_age)
{
    access_token_info info;
    info.value = secret(in.text());
    info.token_type = in.text();
    info.scope = in.text();
    auto const age = milliseconds(in.number(max_life.count())) + record_age;
    info.requested_at = after(now.wall, -age);
    info.requested_at_steady = after(now.steady, -age);
    if (auto const lifetime = in.number(max_life.count()); lifetime != 0)
        info.lifetime = seconds(lifetime - 1);
    if (info.token_type == "DPoP" && info.lifetime)
    {
        // The prover proves with the key that it had when the token was requested. This process may
        // have got that key later than the one that requested the token.
        auto const left = seconds(*info.lifetime) - std::chrono::ceil<seconds>(age);
        info.lifetime = std::max(seconds(0), left);
        info.requested_at = now.wall;
        info.requested_at_steady = now.steady;
    }
    info.http_status = static_cast<unsigned>(in.number(999));
    for (auto count = in.number(max_record_size); count != 0 && !in.failed(); --count)
    {
        std::string name(in.text());
        info.members.push_back({std::move(name), secret(in.text())});
    }
    bool const is_usable = !info.value.empty() && is_printable_ascii(info.value.view()) &&
                           info.value.view().find(' ') == std::string_view::npos &&
                           (info.token_type == "Bearer" || info.token_type == "DPoP");
    if (is_usable && !in.failed())
        token = access_token(std::move(info));
    return is_usable;
}

void write_failure(record_writer& out, shared_failure const& shared)
{
    auto const& info = shared.failure.info();
    out.number(static_cast<std::uint64_t>(shared.failure.value()));
    out.number(info.http_status);
    out.text(info.context);
    out.text(info.oauth_error);
    out.text(info.description);
    out.text(info.uri);
    out.number(info.server_code ? 1 : 0);
    out.number(static_cast<std::uint64_t>(info.server_code.value_or(0)));
    out.number(info.attempts);
    out.number(static_cast<std::uint64_t>(shared.back_off.count()));
    out.number(shared.count);
}

// False: the code is none of this version.
bool read_failure(
    record_reader& in, std::optional<shared_failure>& shared, clock_pair now,
    milliseconds record_age)
{
    shared_failure read;
    error_info info;
    auto const code = static_cast<errc>(in.number(std::numeric_limits<int>::max()));
    info.http_status = static_cast<unsigned>(in.number(999));
    info.context = in.text();
    info.oauth_error = in.text();
    info.description = in.text();
    info.uri = in.text();
    bool const has_code = in.number(1) == 1;
    auto const number = static_cast<std::int64_t>(in.number());
    if (has_code)
        info.server_code = number;
    info.attempts = static_cast<unsigned>(in.number(std::numeric_limits<unsigned>::max()));
    auto const back_off = milliseconds(in.number(max_life.count()));
    read.count = static_cast<unsigned>(in.number(std::numeric_limits<unsigned>::max()));
    read.back_off = std::max(milliseconds(0), back_off - record_age);
    info.retry_at = after(now.wall, read.back_off);
    read.failure = error(code, std::move(info));
    shared = std::move(read);
    return kind_of(code) != error_kind{};
}

struct parts
{
    // All that stands before the sealed text.
    std::string_view head;
    std::string_view key_id;
    std::string_view sealed;
};

result<parts> take_apart(std::string_view record)
{
    constexpr std::size_t fixed = record_digest_size + 2;
    if (record.size() > max_record_size)
        return unusable("has more than 64 KiB");
    if (record.size() < fixed)
        return unusable("is cut off");
    if (record[record_digest_size] != version)
        return unusable("has a format of another version of the library");
    auto const id_size = static_cast<unsigned char>(record[record_digest_size + 1]);
    if (record.size() < fixed + id_size)
        return unusable("is cut off");
    auto const id = record.substr(fixed, id_size);
    if (!key_ring::is_id(id))
        return unusable("names no valid key");
    return parts{record.substr(0, fixed + id_size), id, record.substr(fixed + id_size)};
}

bool is_too_old(
    std::int64_t published, milliseconds life, std::chrono::system_clock::time_point now)
{
    auto const at = after(std::chrono::system_clock::time_point(), seconds(published));
    return between(at, now) > life + max_clock_difference ||
           between(now, at) > max_clock_difference;
}

} // namespace

result<std::string> seal_record(
    key_ring const& keys, std::string_view name, record_content const& content, clock_pair now)
{
    auto const& key = keys.first();
    auto const digest = token_digest(key, name, content.token);
    if (!digest)
        return digest.error();
    std::string head = *digest;
    head.append(1, version).append(1, static_cast<char>(key.id.size())).append(key.id);

    record_writer plain;
    auto const published = std::chrono::duration_cast<seconds>(now.wall.time_since_epoch());
    plain.number(static_cast<std::uint64_t>(std::max<std::int64_t>(0, published.count())));
    plain.number(static_cast<std::uint64_t>(content.life.count()));
    plain.number(
        (content.token ? has_token : 0) | (content.failure ? has_failure : 0) |
        (content.unshareable ? is_unshareable : 0));
    if (content.token)
        write_token(plain, content.token, now);
    if (content.failure)
        write_failure(plain, *content.failure);

    auto const sealed = crypto::seal(key.sealing, additional_data(name, head), plain.view());
    if (!sealed)
        return sealed.error();
    if (head.size() + sealed->size() > max_record_size)
        return make_error(
            errc::response_too_large, "the token is too large to be shared: its record would have "
                                      "more than 64 KiB");
    return head + *sealed;
}

result<record_content> open_record(
    key_ring const& keys, std::string_view name, std::string_view record, milliseconds remaining,
    clock_pair now)
{
    auto const found = take_apart(record);
    if (!found)
        return found.error();
    auto const* const key = keys.find(found->key_id);
    if (key == nullptr)
        return unusable(
            "is encrypted with the key '" + std::string(found->key_id) +
            "', which is not among the keys");
    auto const plain =
        crypto::open(key->sealing, additional_data(name, found->head), found->sealed);
    if (!plain)
        return unusable("was changed, belongs to another name, or is encrypted with another key "
                        "of the same id");
    return read_record(plain->view(), remaining, now);
}

result<record_content> read_record(std::string_view plain, milliseconds remaining, clock_pair now)
{
    record_reader in(plain);
    record_content content;
    auto const published = in.number(std::numeric_limits<std::int32_t>::max() * std::int64_t(4));
    content.life = milliseconds(in.number(max_life.count()));
    auto const flags = static_cast<unsigned>(in.number(has_token | has_failure | is_unshareable));
    if (in.failed() || remaining > content.life + max_rounding ||
        is_too_old(published, content.life, now.wall))
        return unusable("is too old, or lives longer than it was published for");
    content.age = std::max(milliseconds(0), content.life - remaining);
    content.unshareable = (flags & is_unshareable) != 0;
    bool const token_is_usable =
        (flags & has_token) == 0 || read_token(in, content.token, now, content.age);
    bool const failure_is_known =
        (flags & has_failure) == 0 || read_failure(in, content.failure, now, content.age);
    if (!in.at_end() || !token_is_usable || !failure_is_known)
        return unusable("has contents of another version of the library");
    return content;
}

} // namespace coauth::detail

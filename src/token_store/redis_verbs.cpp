#include "token_store/redis_verbs.hpp"

#include "values/make_error.hpp"

#include <algorithm>
#include <utility>

namespace coauth::redis
{
namespace
{

// Redis knows a script by the SHA-1 of its text; a test compares them.
struct script
{
    std::string_view text;
    std::string_view digest;
};

constexpr script renew_script{
    "if redis.call('get',KEYS[1])~=ARGV[1] then return 0 end "
    "return redis.call('pexpire',KEYS[1],ARGV[2])",
    "eb5fe7b6024a221b0f5109dae74f7bded9f15d79"};
constexpr script publish_script{
    "if redis.call('get',KEYS[1])~=ARGV[1] then return 0 end "
    "redis.call('set',KEYS[2],ARGV[2],'px',ARGV[3]) "
    "redis.call('del',KEYS[1]) return 1",
    "328bf8180575e6cef0140594cb91aa294104a79f"};
constexpr script release_script{
    "if redis.call('get',KEYS[1])~=ARGV[1] then return 0 end "
    "return redis.call('del',KEYS[1])",
    "a6bf2d2621853ea21fdd257f3e7306428e7b8caf"};
constexpr script remove_script{
    "if redis.call('getrange',KEYS[1],0,#ARGV[1]-1)~=ARGV[1] then return 0 end "
    "return redis.call('del',KEYS[1])",
    "f7d6c6b27f87e8e6f30d2744bc34f2e22461b14e"};

// What is in the first pair of braces: a cluster keeps keys together that have the same there.
std::string_view hash_tag(std::string_view key)
{
    auto const open = key.find('{');
    auto const close = key.find('}', open);
    if (open == key.npos || close == key.npos)
        return {};
    return key.substr(open + 1, close - open - 1);
}

// A name usually has braces of its own.
std::string record_key(std::string_view prefix, std::string_view name)
{
    std::string key(prefix);
    bool const has_tag = !hash_tag(name).empty();
    return has_tag ? key.append(name) : key.append("{").append(name).append("}");
}

std::string claim_key(std::string_view prefix, std::string_view name)
{
    return record_key(prefix, name) + ":claim";
}

// What Redis accepts: at least 1 ms, and no more than a year.
std::string milliseconds_text(std::chrono::milliseconds time)
{
    constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365);
    return std::to_string(std::clamp(time, std::chrono::milliseconds(1), longest).count());
}

void add_script(
    commands& out, script const& of, command_form form, std::string_view key_count,
    std::initializer_list<std::string_view> keys_and_arguments)
{
    bool const by_digest = form == command_form::script_digest;
    auto const name = by_digest ? std::string_view("EVALSHA") : std::string_view("EVAL");
    auto const which = by_digest ? of.digest : of.text;
    auto const* const rest = keys_and_arguments.begin();
    if (keys_and_arguments.size() == 2)
        out.add({name, which, key_count, rest[0], rest[1]});
    else if (keys_and_arguments.size() == 3)
        out.add({name, which, key_count, rest[0], rest[1], rest[2]});
    else
        out.add({name, which, key_count, rest[0], rest[1], rest[2], rest[3], rest[4]});
}

void add_load(commands& out, std::string const& key, std::string const& claim)
{
    // Another record may replace this one in between: its time is then the lesser of the two.
    out.add({"PTTL", key}).add({"GET", key}).add({"PTTL", key}).add({"EXISTS", claim});
}

void add_plain(
    commands& out, verb_call const& call, std::string const& key, std::string const& claim)
{
    if (call.what == store_operation::renew)
        out.add({"GET", claim});
    else if (call.what == store_operation::publish)
        out.add({"SET", key, call.record, "PX", milliseconds_text(call.time)});
}

void add_scripted(
    commands& out, verb_call const& call, command_form form, std::string const& key,
    std::string const& claim)
{
    auto const time = milliseconds_text(call.time);
    if (call.what == store_operation::renew)
        add_script(out, renew_script, form, "1", {claim, call.owner, time});
    else if (call.what == store_operation::publish)
        add_script(out, publish_script, form, "2", {claim, key, call.owner, call.record, time});
    else if (call.what == store_operation::release)
        add_script(out, release_script, form, "1", {claim, call.owner});
    else
        add_script(out, remove_script, form, "1", {key, call.owner});
}

// CRC16 of XMODEM, as the cluster's specification has it.
std::uint16_t crc16(std::string_view bytes)
{
    unsigned crc = 0;
    for (char const byte : bytes)
    {
        crc ^= static_cast<unsigned>(static_cast<unsigned char>(byte)) << 8U;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    }
    return static_cast<std::uint16_t>(crc & 0xFFFFU);
}

error unexpected_reply()
{
    return detail::make_error(
        errc::malformed_response, "the reply of the Redis server does not fit the command");
}

std::chrono::milliseconds least_time(reply const& before, reply const& after)
{
    // -2: no record; -1: a record without an end.
    auto const least = std::min(before.integer, after.integer);
    return std::chrono::milliseconds(std::max<std::int64_t>(least, 0));
}

} // namespace

std::uint16_t slot_of(std::string_view prefix, std::string_view name)
{
    constexpr unsigned slot_count = 16'384;
    auto const key = record_key(prefix, name);
    return static_cast<std::uint16_t>(crc16(hash_tag(key)) % slot_count);
}

commands
make_commands(verb_call const& call, std::string_view prefix, command_form form, bool asking)
{
    commands out;
    out.asking = asking;
    auto const key = record_key(prefix, call.name);
    auto const claim = claim_key(prefix, call.name);
    if (call.what == store_operation::load)
        add_load(out, key, claim);
    else if (call.what == store_operation::claim)
        out.add({"SET", claim, call.owner, "NX", "PX", milliseconds_text(call.time)});
    else if (form == command_form::plain)
        add_plain(out, call, key, claim);
    else
        add_scripted(out, call, form, key, claim);
    return out;
}

result<stored_record> read_record(std::vector<reply> replies)
{
    using kind = reply::kind;
    if (replies.size() != 4 || replies[0].type != kind::integer ||
        (replies[1].type != kind::text && replies[1].type != kind::nil) ||
        replies[2].type != kind::integer || replies[3].type != kind::integer)
        return unexpected_reply();
    stored_record found;
    found.claimed = replies[3].integer != 0;
    auto const remaining = least_time(replies[0], replies[2]);
    if (remaining.count() == 0 || replies[1].text.empty())
        return found;
    found.remaining = remaining;
    found.record = std::move(replies[1].text);
    return found;
}

result<bool> read_outcome(verb_call const& call, command_form form, std::vector<reply> const& from)
{
    using kind = reply::kind;
    if (from.size() != 1)
        return unexpected_reply();
    auto const& only = from.front();
    bool const is_set = call.what == store_operation::claim ||
                        (call.what == store_operation::publish && form == command_form::plain);
    if (is_set && (only.type == kind::status || only.type == kind::nil))
        return only.type == kind::status;
    if (!is_set && form == command_form::plain &&
        (only.type == kind::text || only.type == kind::nil))
        return only.type == kind::text && only.text == call.owner;
    if (!is_set && form != command_form::plain && only.type == kind::integer)
        return only.integer == 1;
    return unexpected_reply();
}

} // namespace coauth::redis

#ifndef COAUTH_SRC_TOKEN_STORE_REDIS_VERBS_HPP
#define COAUTH_SRC_TOKEN_STORE_REDIS_VERBS_HPP

#include <coauth/observer.hpp>
#include <coauth/token_store.hpp>

#include "token_store/redis_command.hpp"
#include "token_store/redis_reply.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::redis
{

// An operation of the store and its arguments.
struct verb_call
{
    store_operation what = store_operation::load;
    std::string name;
    // Or the digest of `remove_if`.
    std::string owner;
    std::string record;
    // The lease of a claim, or the life of a record.
    std::chrono::milliseconds time{};
};

// How a verb with a script is sent. The others are always plain.
enum class command_form
{
    script_digest,
    script_text,
    plain,
};

// Where the cluster keeps the keys of this name.
std::uint16_t slot_of(std::string_view prefix, std::string_view name);

// The commands of a verb. Without any: there is no plain form, and the outcome is false.
commands make_commands(
    verb_call const& call, std::string_view prefix, command_form form, bool asking = false);

// What the replies mean, none of which is an error. errc::malformed_response: they do not fit.
result<stored_record> read_record(std::vector<reply> replies);
result<bool> read_outcome(verb_call const& call, command_form form, std::vector<reply> const& from);

} // namespace coauth::redis

#endif

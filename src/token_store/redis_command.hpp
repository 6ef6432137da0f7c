#ifndef COAUTH_SRC_TOKEN_STORE_REDIS_COMMAND_HPP
#define COAUTH_SRC_TOKEN_STORE_REDIS_COMMAND_HPP

#include <coauth/secret.hpp>

#include <initializer_list>
#include <string_view>

namespace coauth::redis
{

// Commands that are sent together, in the protocol's form.
struct commands
{
    // May contain a password.
    secret bytes;
    // Each command has one.
    unsigned replies = 0;
    // Precede each command that is added with ASKING, which has a reply too: the server does not
    // have the slot yet.
    bool asking = false;

    // Adds a command: its name and arguments. Throws `std::bad_alloc`.
    commands& add(std::initializer_list<std::string_view> words);
};

} // namespace coauth::redis

#endif

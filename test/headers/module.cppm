// A module of a user, which includes coauth in its global fragment.
module;

#include <coauth/coauth.hpp>

export module user;

export using coauth::client;
export using coauth::token_source;

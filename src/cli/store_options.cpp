#include "cli/store_options.hpp"

#include "cli/flags.hpp"

#if defined(COAUTH_CLI_HAS_REDIS)
#include <coauth/redis_token_store.hpp>
#include <coauth/shared_tokens.hpp>
#endif

#include <boost/program_options.hpp>

#include <cstdlib>
#include <memory>
#include <utility>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

// Every user who may list processes can read arguments.
bool has_password(std::string const& url)
{
    auto const scheme = url.find("://");
    auto const at = url.rfind('@');
    auto const colon = url.find(':', scheme == url.npos ? 0 : scheme + 3);
    return at != url.npos && colon < at;
}

} // namespace

void add_store_flags(po::options_description& group, store_flags& flags)
{
    group.add_options()(
        "store", po::value(&flags.url)->value_name("URL"),
        "share the token with others through Redis, as in rediss://user@redis.example.com:6379; "
        "the "
        "variable COAUTH_STORE_PASSWORD has the password")(
        "store-key-file", po::value(&flags.key_file)->value_name("FILE"),
        "the key that encrypts shared tokens: 32 random bytes in base64, as openssl rand -base64 "
        "32 "
        "makes them; the same for all")(
        "store-password-file", po::value(&flags.password_file)->value_name("FILE"),
        "the file with the password of Redis")(
        "store-ca-file", po::value(&flags.ca_file)->value_name("FILE"),
        "trust the CA certificates of this PEM file for Redis. Default: the system's");
}

result<std::optional<store_options>> read_store_options(store_flags const& flags)
{
    if (flags.url.empty())
    {
        if (!(flags.key_file + flags.password_file + flags.ca_file).empty())
            return usage_error(
                "--store-key-file, --store-password-file and --store-ca-file go with "
                "--store URL");
        return std::optional<store_options>();
    }
    if (has_password(flags.url))
        return usage_error(
            "do not give the password of Redis in --store, where every user of this machine can "
            "read it: put it into a file and name that with --store-password-file FILE, or set "
            "COAUTH_STORE_PASSWORD");
    if (flags.key_file.empty())
        return usage_error("--store needs the key that encrypts tokens there: make one with "
                           "openssl rand -base64 32, and give --store-key-file FILE");
    store_options options;
    options.url = flags.url;
    options.keys = secret_from_file(flags.key_file);
    options.ca_file = flags.ca_file;
    char const* const password = std::getenv("COAUTH_STORE_PASSWORD");
    if (!flags.password_file.empty())
        options.password = secret_from_file(flags.password_file);
    else if (password != nullptr)
        options.password = [password = secret(password)] { return password; };
    return std::optional<store_options>(std::move(options));
}

#if defined(COAUTH_CLI_HAS_REDIS)

result<token_fetcher> share_tokens(client& tokens, store_options const& options)
{
    redis_options redis;
    redis.url = options.url;
    redis.password = options.password;
    redis.tls.ca_file = options.ca_file;
    auto store = std::make_shared<redis_token_store>(tokens.get_executor(), std::move(redis));
    if (auto const valid = store->validate(); !valid)
        return valid.error();
    shared_tokens_options sharing;
    sharing.keys = options.keys;
    shared_tokens const shared(tokens, std::move(store), std::move(sharing));
    if (auto const valid = shared.validate(); !valid)
        return valid.error();
    return token_fetcher(shared);
}

#else

result<token_fetcher> share_tokens(client&, store_options const&)
{
    return usage_error("this coauth was built without Redis, which --store needs: build it with "
                       "COAUTH_BUILD_REDIS");
}

#endif

} // namespace coauth::cli

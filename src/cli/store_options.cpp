#include "cli/store_options.hpp"

#include "cli/flags.hpp"
#include "cli/own_words.hpp"
#include "cli/read_secret.hpp"

#if defined(COAUTH_CLI_HAS_REDIS)
#include <coauth/redis_token_store.hpp>
#include <coauth/token_fetcher.hpp>

#include <boost/asio/io_context.hpp>
#endif

#include <boost/program_options.hpp>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <utility>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

// It is never read from the environment.
constexpr secret_source key_source{"key for shared tokens", "--store-key-file", nullptr};
constexpr secret_source password_source{
    "password of Redis", "--store-password-file", "COAUTH_STORE_PASSWORD"};

// Every user who may list processes can read arguments.
bool has_password(std::string const& url)
{
    auto const scheme = url.find("://");
    auto const at = url.rfind('@');
    auto const colon = url.find(':', scheme == url.npos ? 0 : scheme + 3);
    return at != url.npos && colon < at;
}

shared_tokens_options to_sharing_options(store_options const& options)
{
    shared_tokens_options sharing;
    sharing.keys = [keys = options.keys] { return keys; };
    // Each run opens a connection, which takes some round trips: TCP, TLS, the login.
    sharing.store_timeout = std::chrono::milliseconds(500);
    return sharing;
}

#if defined(COAUTH_CLI_HAS_REDIS)

redis_options to_redis_options(store_options const& options)
{
    redis_options redis;
    redis.url = options.url;
    if (!options.password.empty())
        redis.password = [password = options.password] { return password; };
    redis.tls.ca_file = options.ca_file;
    return redis;
}

result<void> check_store(store_options const& options)
{
    boost::asio::io_context context;
    auto const store = std::make_shared<redis_token_store>(context, to_redis_options(options));
    if (auto const valid = store->validate(); !valid)
        return in_words_of_store(valid.error());
    auto sharing = to_sharing_options(options);
    sharing.identity = "checked";
    token_fetcher const fetcher(context, [](token_fetch&&, token_fetch_handler&&) {});
    if (auto const valid = shared_tokens(fetcher, store, std::move(sharing)).validate(); !valid)
        return in_words_of_store(valid.error());
    return {};
}

#else

result<void> check_store(store_options const&)
{
    return usage_error("this coauth was built without Redis, which --store needs: build it with "
                       "COAUTH_BUILD_REDIS");
}

#endif

} // namespace

void add_store_flags(po::options_description& group, store_flags& flags)
{
    group.add_options()(
        "store", po::value(&flags.url)->value_name("URL"),
        "share the token with other machines through Redis, such as "
        "rediss://user@redis.example.com")(
        "store-key-file", po::value(&flags.key_file)->value_name("FILE"),
        "the key that encrypts shared tokens, the same for all: what openssl rand -base64 32 "
        "prints")(
        "store-password-file", po::value(&flags.password_file)->value_name("FILE"),
        "the password of Redis. Default: the environment variable COAUTH_STORE_PASSWORD")(
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
    options.ca_file = flags.ca_file;
    auto keys = read_secret(key_source, flags.key_file);
    if (!keys)
        return keys.error();
    options.keys = std::move(*keys);
    if (!flags.password_file.empty() || std::getenv(password_source.variable) != nullptr)
    {
        auto password = read_secret(password_source, flags.password_file);
        if (!password)
            return password.error();
        options.password = std::move(*password);
    }
    if (auto const checked = check_store(options); !checked)
        return checked.error();
    return std::optional<store_options>(std::move(options));
}

shared_tokens share_tokens(client& tokens, store_options const& options)
{
    std::shared_ptr<token_store> store;
#if defined(COAUTH_CLI_HAS_REDIS)
    store = std::make_shared<redis_token_store>(tokens.get_executor(), to_redis_options(options));
#endif
    return {tokens, std::move(store), to_sharing_options(options)};
}

} // namespace coauth::cli

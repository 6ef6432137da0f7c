#include "net/tls_context.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/openssl_ptr.hpp"
#include "net/certificate_verification.hpp"
#include "net/tls_settings.hpp"
#include "values/make_error.hpp"
#include "values/same_trust.hpp"

#include <openssl/ssl.h>

#include <iterator>
#include <list>
#include <mutex>
#include <utility>

namespace coauth::net
{
namespace
{

// The sources that clients use, and some that they used last: sessions outlive a client.
class source_cache
{
public:
    using source_ptr = std::shared_ptr<tls_context_source>;

    source_ptr find(tls_options const& options)
    {
        std::lock_guard const lock(mutex_);
        for (auto i = sources_.begin(); i != sources_.end(); ++i)
        {
            if (!(*i)->is_for(options))
                continue;
            sources_.splice(sources_.begin(), sources_, i);
            return *i;
        }
        sources_.push_front(std::make_shared<tls_context_source>(options));
        auto found = sources_.front();
        remove_unused();
        return found;
    }

private:
    static constexpr std::size_t capacity = 16;

    void remove_unused()
    {
        for (auto i = sources_.end(); sources_.size() > capacity && i != sources_.begin();)
            if ((--i)->use_count() == 1)
                i = sources_.erase(i);
    }

    std::mutex mutex_;
    // The most recently used is the first.
    std::list<source_ptr> sources_;
};

} // namespace

tls_context::tls_context(SSL_CTX* native, bool session_resumption, std::string fingerprint)
    : native_(native)
    , fingerprint_(std::move(fingerprint))
{
    if (session_resumption)
        sessions_.emplace(native);
    else
        SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
}

tls_context::~tls_context()
{
    SSL_CTX_free(native_);
}

void tls_context::attach(SSL* connection, session_key& key)
{
    if (!sessions_)
        return;
    key.cache = &*sessions_;
    sessions_->attach(connection, key);
}

std::shared_ptr<tls_context_source> tls_context_source::find(tls_options const& options)
{
    // Never destroyed: threads may use it while the process exits. For the same reason OpenSSL must
    // not clean up then; that can only be set before its first use.
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
    static auto& cache = *new source_cache;
    return cache.find(options);
}

tls_context_source::tls_context_source(tls_options const& options)
    : trust_(options)
    , context_(trust_.files())
{
}

bool tls_context_source::is_for(tls_options const& options) const
{
    return detail::is_same_trust(trust_.options(), options) &&
           trust_.options().groups == options.groups &&
           trust_.options().session_resumption == options.session_resumption;
}

result<tls_context_source::context_ptr> tls_context_source::current()
{
    return context_.current([&](context_ptr const& previous) { return load(previous); });
}

result<tls_context_source::context_ptr> tls_context_source::load(context_ptr const& previous) const
{
    auto const contents = trust_.read();
    if (!contents)
        return contents.error();
    auto fingerprint = contents->fingerprint();
    if (previous && previous->fingerprint() == fingerprint)
        return previous;
    crypto::clear_errors();
    crypto::openssl_ptr<SSL_CTX> owned(SSL_CTX_new(TLS_client_method()));
    if (!owned)
    {
        crypto::throw_if_out_of_memory();
        return detail::config_error("OpenSSL offers no TLS; check its configuration (openssl.cnf)");
    }
    auto context = std::make_shared<tls_context>(
        owned.get(), trust_.options().session_resumption, std::move(fingerprint));
    SSL_CTX* const native = owned.release();
    auto const applied = apply_tls_settings(native, trust_.options().groups);
    if (!applied)
        return applied.error();
    set_verify_callback(native);
    auto store = trust_.make_store(*contents);
    if (!store)
        return store.error();
    SSL_CTX_set_cert_store(native, store->release());
    return context;
}

} // namespace coauth::net

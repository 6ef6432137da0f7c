#ifndef COAUTH_SRC_NET_CLIENT_CERTIFICATE_HPP
#define COAUTH_SRC_NET_CLIENT_CERTIFICATE_HPP

#include <coauth/client_config.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

struct ssl_st;

namespace coauth::net
{

// A client's certificate, those between it and its CA, and its key, as they were read.
class certificate_chain
{
public:
    virtual ~certificate_chain() = default;
    // For this connection, before its handshake. False: there was no memory.
    virtual bool offer(ssl_st* connection) const = 0;
    // Whether it is good now, or what is wrong with it.
    [[nodiscard]] virtual result<void> check_dates() const = 0;
    // Sessions of one certificate must not be resumed with another.
    [[nodiscard]] virtual std::string const& fingerprint() const noexcept = 0;
};

// The client certificate of some TLS options, read again when its files have changed.
class client_certificate
{
public:
    // Or what is wrong with it; null: the options name none.
    static result<std::shared_ptr<client_certificate>> load(tls_options const& options);

    explicit client_certificate(tls_options const& options);

    // The one to be used now: while new files are incomplete, or not a pair, the one before.
    std::shared_ptr<certificate_chain const> present();

private:
    // What tells a file from the one that it replaced.
    struct stamp
    {
        std::int64_t device = 0;
        std::int64_t inode = 0;
        std::int64_t size = 0;
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        friend bool operator==(stamp const&, stamp const&) = default;
    };
    static stamp stamp_of(std::string const& path);
    static bool is_old(stamp const& file);

    tls_options const options_;
    std::mutex mutex_;
    stamp certificate_read_;
    stamp key_read_;
    // They were old then. One that had just been written may be written again within the same tick
    // of its clock, and is not told from it.
    bool settled_ = false;
    std::shared_ptr<certificate_chain const> chain_;
};

} // namespace coauth::net

#endif

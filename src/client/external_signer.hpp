#ifndef COAUTH_SRC_CLIENT_EXTERNAL_SIGNER_HPP
#define COAUTH_SRC_CLIENT_EXTERNAL_SIGNER_HPP

#include <coauth/signing_key.hpp>

#include "net/continuation.hpp"
#include "net/stop_state.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace coauth::detail
{

class signer_call;

// The questions of one client to a user's signer. Its lock outlives client and context, since
// answers may come later than either, from other threads.
class signer_desk
{
public:
    // Drops those who wait, as the context does. Nothing is posted to it any more.
    void context_gone() noexcept;

private:
    friend class signer_call;

    std::mutex mutex_;
    std::list<signer_call*> waiting_;
    bool gone_ = false;
};

// One question to a user's signer, which answers from any thread, twice, or never.
class signer_call final : public net::cancellable, public std::enable_shared_from_this<signer_call>
{
public:
    using handler = net::continuation<result<std::string>>;

    explicit signer_call(std::shared_ptr<signer_desk> desk);
    ~signer_call();
    signer_call(signer_call const&) = delete;
    signer_call& operator=(signer_call const&) = delete;

    // Takes the handler, which is called once, never within this call.
    void hold(handler done);
    // Asks the signer, unless the handler has been called meanwhile.
    void ask(signer_function const& sign, std::string input);
    void cancel() noexcept override;

private:
    friend class signer_desk;
    class once;

    void settle(result<std::string> signature) noexcept;

    std::shared_ptr<signer_desk> const desk_;
    // Under the lock of the desk. A place in its list while there is a handler.
    std::list<signer_call*> place_;
    handler done_;
};

} // namespace coauth::detail

#endif

#ifndef COAUTH_SRC_CLI_STORE_WARNINGS_HPP
#define COAUTH_SRC_CLI_STORE_WARNINGS_HPP

#include <coauth/observer.hpp>

namespace coauth::cli
{

// Says on standard error why a token is not shared: the command succeeds all the same, and its user
// would not learn of it.
class store_warnings final : public observer
{
public:
    void on_store_operation_ended(store_operation_ended const& event) override;
    void on_store_bypassed(store_bypassed const& event) override;
    void on_record_unusable(record_unusable const& event) override;

private:
    void warn_once(error const& failure);

    bool has_warned_ = false;
};

} // namespace coauth::cli

#endif

#define BOOST_TEST_MODULE coauth_net
#include <boost/test/unit_test.hpp>

import pytest
def test_dump(fleet):
    print(fleet.output[-6000:])
    print(fleet.code, fleet.seconds, fleet.leaks, fleet.forged, fleet.changed, fleet.left, fleet.knocks, fleet.decoy_lives)
    for a in fleet.run().apps:
        print('==', repr(a.app))
        for v in a.verdicts:
            if v.metric not in ('type_safety','databricks_connectivity','data_returned'):
                print('  ', v.metric, v.state.value, v.reason, repr(v.evidence[:230]), v.seconds)

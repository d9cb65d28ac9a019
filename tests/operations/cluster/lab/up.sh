#!/bin/bash
# Starts a one-node Kubernetes cluster in its own network, mount, pid and uts namespaces.
# Everything lies under $RUN; nothing listens on or routes to this machine's real interfaces.
# Use:  ./up.sh && ./in kubectl get nodes
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/settings"
T0=$(date +%s.%N); say() { printf '%6.1fs %s\n' "$(echo "$(date +%s.%N)-$T0" | bc)" "$*"; }
if "$LAB/in" kubectl get --raw=/readyz >/dev/null 2>&1; then echo "already up: $RUN/admin.conf"; exit 0; fi
for tool in containerd runc ipset iptables openssl bc jq unshare nsenter; do
  PATH=$PATH:/usr/sbin command -v $tool >/dev/null || { echo "up.sh: $tool is missing" >&2; exit 1; }; done
[ ${#RUN} -lt 64 ] || { echo "up.sh: $RUN is too long for the names of sockets below it" >&2; exit 1; }
IMAGES=$("$LAB/images.sh"); say "programs and images"
"$LAB/down.sh" >/dev/null; mkdir -p "$RUN"/{log,pki,cni}
ln -sfn "$(dirname "$IMAGES")" "$RUN/bin"

# --- keys: one CA, an API server certificate, an admin and a front-proxy client certificate
cd "$RUN/pki"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=lab-ca -keyout ca.key -out ca.crt 2>/dev/null
cert() { # name subject extensions
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout $1.key -out $1.csr 2>/dev/null
  openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile <(echo "$3") -out $1.crt 2>/dev/null; }
cert apiserver /CN=kube-apiserver 'subjectAltName=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:10.240.0.1,IP:10.96.0.1'
cert admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
cert front-proxy /CN=front-proxy extendedKeyUsage=clientAuth
openssl ecparam -name prime256v1 -genkey -noout -out sa.key; openssl ec -in sa.key -pubout -out sa.pub 2>/dev/null
cat > "$RUN/admin.conf" <<E
apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://10.240.0.1:6443", certificate-authority: $RUN/pki/ca.crt}}]
users: [{name: admin, user: {client-certificate: $RUN/pki/admin.crt, client-key: $RUN/pki/admin.key}}]
contexts: [{name: lab, context: {cluster: lab, user: admin}}]
current-context: lab
E

# --- node configuration
cat > "$RUN/kubelet.yaml" <<E
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
containerRuntimeEndpoint: unix://$RUN/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $RUN/pki/ca.crt}}
authorization: {mode: Webhook}
clusterDomain: cluster.local
clusterDNS: [10.96.0.10]
resolvConf: $RUN/resolv.conf
podLogsDir: $RUN/pods
failSwapOn: false
evictionHard: {memory.available: 100Mi, nodefs.available: 1Gi, imagefs.available: 1Gi}
imageGCHighThresholdPercent: 100
syncFrequency: 10s
E
echo "nameserver 10.240.0.1" > "$RUN/resolv.conf"
cat > "$RUN/containerd.toml" <<E
version = 2
root = "$RUN/containerd"
state = "$RUN/containerd-state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "$RUN/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "lab/pause:1"
  disable_apparmor = true
  enable_unprivileged_ports = true
  restrict_oom_score_adj = true   # this machine lacks CAP_SYS_RESOURCE: runc may not lower it
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$RUN/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
E
cat > "$RUN/cni/10-bridge.conflist" <<E
{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "kube0", "isGateway": true, "hairpinMode": true,
 "ipam": {"type": "host-local", "dataDir": "$RUN/cni-state", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
E
say keys

setsid unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc --propagation private \
  "$LAB/node.sh" >"$RUN/log/node.log" 2>&1 </dev/null &
echo $! > "$RUN/unshare.pid"

wait_for() { # seconds what command...
  local end=$((SECONDS+$1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] && kill -0 "$(cat "$RUN/unshare.pid")" 2>/dev/null || { say "FAILED waiting for $what"; tail -n 5 "$RUN"/log/*.log | cut -c1-300; "$LAB/down.sh"; exit 1; }
    sleep 0.3
  done; say "$what"; }
K="$LAB/in kubectl"
wait_for 90 "API server ready" $K get --raw=/readyz
wait_for 90 "containerd ready" "$LAB/in" ctr version
for i in "$IMAGES"/*.tar; do "$LAB/in" ctr -n k8s.io images import "$i" >/dev/null; done; say "images loaded"
wait_for 30 "kube-system" $K get ns kube-system
$K apply -f "$LAB/coredns.yaml" >/dev/null
wait_for 90 "node Ready" $K wait --for=condition=Ready node/lab --timeout=1s
wait_for 90 "CoreDNS ready" $K -n kube-system rollout status deploy/coredns --timeout=1s
say "up; kubeconfig $RUN/admin.conf (use through $LAB/in, e.g. '$LAB/in kubectl get pods -A')"
